"""README, tutorial and how-to do what they say."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.docs.pages import find_steps, run_page

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("tutorial/**/*.md"))]
PAGES += sorted((ROOT / "docs").glob("how-to/**/*.md"))
EXAMPLES = ROOT / "docs" / "examples"
PAGES += sorted(EXAMPLES.glob("*/index.md"))
RUNNING = [page for page in PAGES if find_steps(page.read_text())]
KEPT = ("LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", RUNNING, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    folder, home = tmp_path / "page", tmp_path / "home"
    if page.is_relative_to(EXAMPLES):
        shutil.copytree(page.parent, folder)  # its specs lie beside it
    else:
        folder.mkdir()
    home.mkdir()
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "PFS_HOME": str(tmp_path / "pfs-home"),
        "AIRFLOW_HOME": str(home / "airflow"),
        "COLUMNS": "120",
    }

    assert run_page(page, folder, environment) > 0

"""The page about MinIO and PostgreSQL does what it says, on both."""

import os
import sys
from pathlib import Path

import pytest

from tests.docs.pages import run_page
from tests.services import StorePlace

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "use-minio-and-postgres.md"


@pytest.mark.minio
@pytest.mark.postgres
@pytest.mark.timeout(600)
def test_the_page_runs_on_a_real_bucket_and_database(
    minio_store: StorePlace, postgres_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PFS_CATALOG": postgres_url,
        "PFS_STORE": minio_store.url,
        **{name.upper(): value for name, value in minio_store.options.items()},
    }

    assert run_page(PAGE, folder, environment) > 0
    assert not (tmp_path / ".local/share/pfs/store").exists()
    assert not (tmp_path / ".local/share/pfs/catalog.db").exists()

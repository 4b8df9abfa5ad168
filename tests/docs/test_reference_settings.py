"""docs/reference/settings.md tells every setting and every variable that is read."""

import re
from pathlib import Path

import pytest

from pfs_provider import settings
from pfs_provider.settings import Settings, load_settings
from pfs_provider.storage.stores.open import open_store
from tests.docs.pages import find_blocks
from tests.docs.reference import REFERENCE, bare, section_rows

PAGE = REFERENCE / "settings.md"


def _rows() -> dict[str, tuple[str, ...]]:
    sections = ("# Settings", "## Containers", "## Kubernetes")
    return {bare(row[0]): row for name in sections for row in section_rows("settings.md", name)}


def test_every_setting_has_a_row_with_its_name_in_the_file() -> None:
    rows = {variable: bare(row[1]) for variable, row in _rows().items()}

    assert rows.pop("PFS_CONFIG") == ""
    assert rows == {f"PFS_{name.upper()}": name for name in Settings.model_fields}


def test_the_default_lease_is_that_of_the_code() -> None:
    written = bare(_rows()["PFS_LEASE_S"][2])

    assert written == str(Settings.model_fields["lease_s"].default)


def test_the_folders_of_the_default_lie_where_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PFS_HOME")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    found = load_settings()

    assert found.home_folder == tmp_path / ".local/share/pfs"
    assert found.catalog_url == f"sqlite:///{found.home_folder}/catalog.db"
    assert found.store_url == f"file://{found.home_folder}/store"
    assert found.scratch_folder == found.home_folder / "scratch"


def test_the_example_file_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = (each for each in find_blocks(PAGE.read_text()) if "file" in each.marks)
    (tmp_path / "pfs.toml").write_text(block.text)
    monkeypatch.chdir(tmp_path)

    found = load_settings()

    assert (found.workers, found.catalog) == (4, "postgresql://pfs@db.example.org/pfs")


def test_credentials_are_taken_from_the_variables_of_the_page() -> None:
    variables = {
        name
        for row in section_rows("settings.md", "## Stores")
        for name in re.findall(r"`((?:AWS|AZURE|GOOGLE)_\w+)`", row[-1])
    }

    assert variables == settings.STORE_VARIABLES


def test_what_workers_get_and_user_code_does_not_see_is_complete() -> None:
    section = PAGE.read_text().partition("## What workers and user code get")[2]
    names = set(re.findall(r"`~?/?([^`]+)`", section))
    told = {*settings.WORKER_VARIABLES, *settings.CERTIFICATE_VARIABLES}
    told |= {*settings.CREDENTIAL_FILES, *settings.CREDENTIAL_FILE_VARIABLES}

    assert names == told


@pytest.mark.parametrize("url", ["{}", "file://{}", "file://{}?sync=true", "memory://"])
def test_a_form_of_the_page_opens(url: str, tmp_path: Path) -> None:
    store = open_store(url.format(tmp_path / "store"))

    assert store.create("key", b"x")

import os
from pathlib import Path

import pytest

from pfs_provider.storage import folder_helper
from pfs_provider.storage.digests import digest_bytes
from pfs_provider.storage.folder_helper import MANY_FILES, FolderHelper, open_helper
from pfs_provider.storage.folder_reader import LIMIT
from pfs_provider.storage.folder_writer import CorruptFileError


def test_it_reads_into_memory_that_both_see(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    helper = FolderHelper.start(2 * LIMIT)

    asked = helper.ask("read", [os.fsencode(tmp_path / "a")], LIMIT, LIMIT)

    assert asked
    assert helper.answer() == (digest_bytes(b"hello"), [5], b"\0")
    assert helper.shared[LIMIT : LIMIT + 5] == b"hello"
    helper.close()


def test_its_errors_are_raised_here(tmp_path: Path) -> None:
    (tmp_path / "pack").write_bytes(b"hello")
    helper = FolderHelper.start(LIMIT)
    columns = (bytes(32), (5).to_bytes(8, "little"), b"\2", bytes(12))

    helper.ask("read", [b"/nothing/there"], 0, LIMIT)
    pack = os.fsencode(tmp_path / "pack")
    helper.ask("write", os.fsencode(tmp_path), [b"a"], columns, pack, 0, 5, None)

    with pytest.raises(FileNotFoundError, match="/nothing/there"):
        helper.answer()
    with pytest.raises(CorruptFileError):
        helper.answer()
    helper.close()


def test_one_that_died_is_noticed() -> None:
    helper = FolderHelper.start(LIMIT)
    helper._process.kill()
    helper._process.wait()

    assert not (helper.ask("read", [], 0, LIMIT) and helper.answer() is not None)
    helper.close()


def test_it_is_started_only_where_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_helper, "_n_processors", lambda: 2)
    with open_helper(MANY_FILES - 1, LIMIT) as helper:
        assert helper is None
    with open_helper(MANY_FILES, LIMIT) as helper:
        assert helper is not None

    monkeypatch.setattr(folder_helper, "_n_processors", lambda: 1)
    with open_helper(MANY_FILES, LIMIT) as helper:
        assert helper is None


def test_where_it_cannot_be_started_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_helper, "_n_processors", lambda: 2)
    monkeypatch.delattr(os, "memfd_create")

    with open_helper(MANY_FILES, LIMIT) as helper:
        assert helper is None

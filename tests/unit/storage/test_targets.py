import os
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.storage.targets import TargetFolder, target_error, write_aside


def test_a_folder_is_new_if_nothing_was_in_it(tmp_path: Path) -> None:
    assert TargetFolder(tmp_path / "a" / "b").is_new
    assert not TargetFolder(tmp_path / "a").is_new


def test_parents_are_made_once_and_never_through_a_link(tmp_path: Path) -> None:
    folder = TargetFolder(tmp_path)
    folder.make_parents([b"a/b/c", b"a/d", b"e"])
    (tmp_path / "link").symlink_to("a")

    assert (tmp_path / "a" / "b").is_dir()
    with pytest.raises(RefusedError) as caught:
        folder.make_parents([b"link/x"])
    assert caught.value.code == ErrorCode.TARGET_ILLEGAL


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_aside(os.fsencode(path), iter([b"a", b"b"]), executable=False)

    def fails() -> "list[bytes]":
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_aside(os.fsencode(path), (fails()[0] for _ in range(1)), executable=False)

    assert path.read_bytes() == b"ab"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_left_may_be_removed_only_from_a_new_folder(tmp_path: Path) -> None:
    folder = TargetFolder(tmp_path / "new")
    (tmp_path / "new" / "a").write_bytes(b"")

    folder.remove([b"a", b"b"])
    TargetFolder(tmp_path).remove([b"new"])

    assert list((tmp_path / "new").iterdir()) == []


def test_a_full_disk_has_its_own_code() -> None:
    assert target_error(OSError(28, "No space left on device"), b"/x").code == ErrorCode.STORE_FULL
    assert target_error(OSError(13, "denied"), b"/x").code == ErrorCode.TARGET_ILLEGAL

import os
from pathlib import Path

import pytest

from pfs_provider.storage.digests import digest_bytes
from pfs_provider.storage.folder_writer import CorruptFileError, write_files
from pfs_provider.storage.formats import pack_u32, pack_u64
from pfs_provider.storage.rows import EXECUTABLE, RAW_PLACE

CONTENT = b"....helloworld"


def cells(*files: tuple[int, int, int]) -> tuple[bytes, bytes, bytes, bytes]:
    """Return the columns of raw files, each an offset, a size and flags."""
    return (
        b"".join(digest_bytes(CONTENT[at : at + size]) for at, size, _ in files),
        pack_u64([size for _, size, _ in files]),
        bytes([RAW_PLACE | flags for _, _, flags in files]),
        pack_u32([number for at, size, _ in files for number in (100 + at, size, 0)]),
    )


@pytest.mark.parametrize("aside", [None, b".aside"])
def test_files_are_made_with_their_mode(tmp_path: Path, aside: bytes | None) -> None:
    columns = cells((4, 5, 0), (9, 5, EXECUTABLE))

    write_files(os.fsencode(tmp_path), [b"a", b"b"], columns, CONTENT, start=100, aside=aside)

    assert (tmp_path / "a").read_bytes() == b"hello"
    assert (tmp_path / "b").read_bytes() == b"world"
    assert os.access(tmp_path / "b", os.X_OK)
    assert not os.access(tmp_path / "a", os.X_OK)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_of_other_bytes_is_not_made(tmp_path: Path) -> None:
    columns = (bytes(32), *cells((4, 5, 0))[1:])

    with pytest.raises(CorruptFileError) as caught:
        write_files(os.fsencode(tmp_path), [b"a"], columns, CONTENT, start=100, aside=None)

    assert caught.value.args == (b"a",)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_an_error_unless_it_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    root, columns = os.fsencode(tmp_path), cells((4, 5, 0))

    with pytest.raises(FileExistsError):
        write_files(root, [b"a"], columns, CONTENT, start=100, aside=None)
    write_files(root, [b"a"], columns, CONTENT, start=100, aside=b".aside")

    assert (tmp_path / "a").read_bytes() == b"hello"


def test_what_could_not_be_renamed_is_removed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()

    with pytest.raises(IsADirectoryError, match=r"'.*/a'"):
        write_files(
            os.fsencode(tmp_path), [b"a"], cells((4, 5, 0)), CONTENT, start=100, aside=b".aside"
        )

    assert [path.name for path in tmp_path.iterdir()] == ["a"]

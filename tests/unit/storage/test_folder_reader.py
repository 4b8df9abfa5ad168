import os
from pathlib import Path

import pytest

from pfs_provider.storage.digests import digest_bytes
from pfs_provider.storage.folder_reader import LIMIT, NOT_REGULAR, read_files


def make(folder: Path, contents: list[bytes]) -> list[bytes]:
    for number, data in enumerate(contents):
        (folder / str(number)).write_bytes(data)
    return [os.fsencode(folder / str(number)) for number in range(len(contents))]


def test_files_lie_one_behind_the_other_with_their_digests(tmp_path: Path) -> None:
    contents = [b"hello", b"", b"world" * 1000]
    view = memoryview(bytearray(2 * LIMIT))

    digests, sizes, flags = read_files(make(tmp_path, contents), view)

    assert view[: sum(sizes)] == b"".join(contents)
    assert digests == b"".join(digest_bytes(data) for data in contents)
    assert (sizes, bytes(flags)) == ([5, 0, 5000], b"\0\0\0")


def test_a_large_file_is_left_out(tmp_path: Path) -> None:
    contents = [b"a", bytes(LIMIT), bytes(LIMIT - 1)]

    _, sizes, _ = read_files(make(tmp_path, contents), memoryview(bytearray(3 * LIMIT)))

    assert sizes == [1, -1, LIMIT - 1]


def test_reading_stops_while_the_next_file_surely_fits(tmp_path: Path) -> None:
    sources = make(tmp_path, [bytes(LIMIT - 1)] * 3)

    _, sizes, _ = read_files(sources, memoryview(bytearray(2 * LIMIT)))

    assert len(sizes) == 2


def test_a_file_whose_size_is_not_told_is_read_to_its_end() -> None:
    _, sizes, _ = read_files([b"/proc/self/status"], memoryview(bytearray(LIMIT)))

    assert sizes[0] > 100


def test_what_is_no_file_or_a_link_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/etc/passwd")
    view = memoryview(bytearray(LIMIT))

    with pytest.raises(OSError, match="not a regular file") as caught:
        read_files([os.fsencode(tmp_path / "fifo")], view)
    assert caught.value.errno == NOT_REGULAR
    with pytest.raises(OSError, match="symbolic links"):
        read_files([os.fsencode(tmp_path / "link")], view)

import os
import socket
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, NotFoundError, RefusedError, UnavailableError
from pfs_provider.storage.folder_reader import NOT_REGULAR
from pfs_provider.storage.sources import scan_folder, source_error


def names(folder: Path) -> list[str]:
    return [name.decode() for name in scan_folder(folder).names]


def test_files_come_in_byte_order_with_all_below(tmp_path: Path) -> None:
    for name in ("a/b", "a-b", "a.b", "é", "A"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "nothing inside").mkdir()

    assert names(tmp_path) == ["A", "a-b", "a.b", "a/b", "é"]


def test_links_inside_stand_for_what_they_point_to(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("d/file")
    (tmp_path / "folder").symlink_to(tmp_path / "d")

    found = scan_folder(tmp_path)

    assert [name.decode() for name in found.names] == ["d/file", "folder/file", "link"]
    assert set(found.sources) == {os.fsencode(tmp_path / "d" / "file")}


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")

    assert names(tmp_path / "link") == ["file"]


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("../outside", "leads out of the folder"),
        ("/etc/passwd", "leads out of the folder"),
        ("../in-but-longer", "leads out of the folder"),
        ("nothing", "leads nowhere"),
        ("link", "in a circle"),
        (".", "a folder that holds it"),
    ],
)
def test_other_links_are_refused_with_their_path(tmp_path: Path, target: str, why: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "outside").write_bytes(b"")
    (tmp_path / "in-but-longer").mkdir()
    (folder / "link").symlink_to(target)

    with pytest.raises(RefusedError, match=f"in/link cannot be stored.*{why}") as caught:
        scan_folder(folder)

    assert caught.value.code == ErrorCode.SOURCE_ILLEGAL


def test_two_links_that_hold_each_other_are_refused(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "link").symlink_to(tmp_path / other)

    with pytest.raises(RefusedError, match="a folder that holds it"):
        scan_folder(tmp_path)


def test_sockets_and_fifos_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    os.mkfifo(tmp_path / "one" / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "two" / "socket"))

    with pytest.raises(RefusedError, match="fifo cannot be stored: it is a FIFO"):
        scan_folder(tmp_path / "one")
    with pytest.raises(RefusedError, match="socket cannot be stored: it is a socket"):
        scan_folder(tmp_path / "two")


def test_a_name_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/bad\xff", "wb"):  # noqa: PTH123  # no Path holds it
        pass

    with pytest.raises(RefusedError, match="its name is not UTF-8"):
        scan_folder(tmp_path)


def test_a_folder_that_is_missing_or_a_file_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    for name in ("nothing", "file"):
        with pytest.raises(NotFoundError) as caught:
            scan_folder(tmp_path / name)
        assert caught.value.code == ErrorCode.SOURCE_NOT_FOUND


def test_errors_of_reading_say_what_to_do() -> None:
    assert isinstance(source_error(PermissionError(13, "denied", b"/x"), b"/"), UnavailableError)
    assert isinstance(source_error(OSError(NOT_REGULAR, "x", b"/x"), b"/"), RefusedError)

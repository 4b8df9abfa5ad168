"""Collecting: what user code left in /pfs/out, as it meant it."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.reading import read_entry
from pfs_provider.worker.collecting import collect_output, find_output
from tests.pfs_world import PfsWorld


@pytest.fixture
def storage(world: PfsWorld) -> Storage:
    return world.storage


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "pfs"
    (made / "out").mkdir(parents=True)
    (made / "in" / "d").mkdir(parents=True)
    (made / "in" / "a").write_text("input")
    (made / "in" / "d" / "x").write_text("deep")
    return made


def _bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.fspath(path))


def _collect(storage: Storage, root: Path) -> dict[str, str]:
    writer = ContentWriter(storage)
    writer.begin_batch(b"d" * 16)
    collect_output(writer, root)
    (rows,) = writer.finish()
    return {path: b"".join(read_entry(storage, entry)).decode() for path, entry in rows.entries()}


def test_files_are_taken_with_their_executable_bit_and_their_datum(
    storage: Storage, root: Path
) -> None:
    (root / "out" / "d").mkdir()
    (root / "out" / "d" / "tool").write_text("#!")
    (root / "out" / "d" / "tool").chmod(0o755)
    writer = ContentWriter(storage)
    writer.begin_batch(b"d" * 16)

    collect_output(writer, root)

    ((path, entry),) = writer.finish()[0].entries()
    assert (path, entry.executable, entry.datum) == ("/d/tool", True, b"d" * 16)


def test_nothing_is_taken_of_nothing(storage: Storage, root: Path) -> None:
    (root / "out" / "empty").mkdir()

    assert _collect(storage, root) == {}


@pytest.mark.parametrize(
    ("target", "files"),
    [
        ("/pfs/in/a", {"/link": "input"}),
        ("../in/a", {"/link": "input"}),
        ("/pfs/in/d", {"/link/x": "deep"}),
        ("/pfs/in/d/../a", {"/link": "input"}),
        ("/pfs/in/to-a", {"/link": "input"}),
        ("/pfs/in/to-d/x", {"/link": "deep"}),
        ("/pfs/./in//a", {"/link": "input"}),
        ("file", {"/file": "own", "/link": "own"}),
        ("/pfs/out/file", {"/file": "own", "/link": "own"}),
    ],
)
def test_a_link_inside_pfs_becomes_what_it_points_to(
    storage: Storage, root: Path, target: str, files: dict[str, str]
) -> None:
    (root / "in" / "to-a").symlink_to("/pfs/in/a")
    (root / "in" / "to-d").symlink_to("/pfs/in/d")
    if "/file" in files:
        (root / "out" / "file").write_text("own")
    (root / "out" / "link").symlink_to(target)

    assert _collect(storage, root) == files


def test_a_link_in_a_folder_that_was_linked_is_followed_too(storage: Storage, root: Path) -> None:
    (root / "in" / "d" / "again").symlink_to("/pfs/in/a")
    (root / "out" / "link").symlink_to("/pfs/in/d")

    assert _collect(storage, root) == {"/link/again": "input", "/link/x": "deep"}


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _not_utf8(path: Path) -> None:
    Path(os.fsdecode(os.fsencode(path) + b"\xff")).write_text("x")


REFUSED: dict[str, Callable[[Path], None]] = {
    "outside": lambda path: path.symlink_to("/etc/passwd"),
    "outside-up": lambda path: path.symlink_to("../../../../../../etc/passwd"),
    "nowhere": lambda path: path.symlink_to("/pfs/in/none"),
    "itself": lambda path: path.symlink_to("bad"),
    "up-through-pfs": lambda path: path.symlink_to("/pfs/../etc/passwd"),
    "folder-around-itself": lambda path: path.symlink_to("/pfs/out"),
    "fifo": _fifo,
    "not-utf8": _not_utf8,
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_stored_is_refused_with_its_path(
    storage: Storage, root: Path, make: Callable[[Path], None]
) -> None:
    (root / "out" / "good").write_text("x")
    make(root / "out" / "bad")

    with pytest.raises(RefusedError) as raised:
        _collect(storage, root)

    assert raised.value.code == ErrorCode.SOURCE_ILLEGAL
    assert "bad" in str(raised.value)


def test_a_link_through_a_linked_folder_out_of_pfs_is_refused(storage: Storage, root: Path) -> None:
    (root / "out" / "door").symlink_to("/etc")
    (root / "out" / "bad").symlink_to("door/passwd")

    with pytest.raises(RefusedError):
        _collect(storage, root)


@pytest.mark.parametrize("target", ["/etc", "/etc/passwd", "../../../../../../../etc/passwd"])
def test_nothing_of_this_machine_comes_in_by_a_linked_folder(
    storage: Storage, root: Path, target: str
) -> None:
    (root / "in" / "d" / "bad").symlink_to(target)
    (root / "out" / "link").symlink_to("/pfs/in/d")

    with pytest.raises(RefusedError, match="bad"):
        _collect(storage, root)


def test_a_special_file_in_a_linked_folder_is_refused(storage: Storage, root: Path) -> None:
    os.mkfifo(root / "in" / "d" / "fifo")
    (root / "out" / "link").symlink_to("/pfs/in/d")

    with pytest.raises(RefusedError, match="/pfs/out/link/fifo"):
        _collect(storage, root)


def test_folders_that_link_to_each_other_are_refused(storage: Storage, root: Path) -> None:
    (root / "in" / "e").mkdir()
    (root / "in" / "d" / "e").symlink_to("/pfs/in/e")
    (root / "in" / "e" / "d").symlink_to("/pfs/in/d")
    (root / "out" / "bad").symlink_to("/pfs/in/d")

    with pytest.raises(RefusedError, match="bad"):
        _collect(storage, root)


def test_files_that_nobody_may_read_are_taken(storage: Storage, root: Path) -> None:
    (root / "out" / "d").mkdir()
    (root / "out" / "d" / "x").write_text("closed")
    (root / "out" / "d" / "x").chmod(0)
    (root / "out" / "d").chmod(0)

    assert _collect(storage, root) == {"/d/x": "closed"}


@pytest.mark.parametrize(("make", "kind"), [(os.mkfifo, "a FIFO"), (_bind, "a socket")])
def test_a_special_file_is_refused_by_the_path_that_user_code_knows(
    storage: Storage, root: Path, make: Callable[[Path], None], kind: str
) -> None:
    (root / "out" / "d").mkdir()
    make(root / "out" / "d" / "odd")

    with pytest.raises(RefusedError, match=f"/pfs/out/d/odd cannot be stored: it is {kind}") as it:
        _collect(storage, root)

    assert it.value.code == ErrorCode.SOURCE_ILLEGAL
    assert str(root) not in str(it.value)


def test_no_output_at_all_is_fine(storage: Storage, root: Path) -> None:
    assert _collect(storage, root) == {}


@pytest.mark.parametrize(
    ("target", "whither"),
    [
        ("/pfs/in/none", "nowhere"),
        ("/etc/passwd", "out of /pfs"),
        ("../../../x", "out of /pfs"),
        ("odd", "in a circle"),
        ("/pfs/out", "in a circle"),
        ("/pfs/in/pipe", "to a FIFO"),
    ],
)
def test_a_link_that_is_refused_is_told_with_where_it_leads(
    storage: Storage, root: Path, target: str, whither: str
) -> None:
    os.mkfifo(root / "in" / "pipe")
    (root / "out" / "odd").symlink_to(target)

    with pytest.raises(RefusedError, match=f"^/pfs/out/odd is a link that leads {whither}"):
        _collect(storage, root)


def _replace_out(root: Path, tmp_path: Path, kind: str) -> None:
    (root / "out").rmdir()
    match kind:
        case "link":
            (root / "out").symlink_to(tmp_path / "host")
        case "relative":
            (root / "out").symlink_to("in")
        case "file":
            (root / "out").write_text("x")


@pytest.mark.parametrize("kind", ["link", "relative", "file", "none"])
def test_an_out_that_is_no_folder_any_more_is_refused_and_leads_nowhere(
    storage: Storage, root: Path, tmp_path: Path, kind: str
) -> None:
    host = tmp_path / "host"
    host.mkdir()
    (host / "link").symlink_to("/pfs/in/a")
    _replace_out(root, tmp_path, kind)

    with pytest.raises(RefusedError, match="/pfs/out is not a folder") as caught:
        _collect(storage, root)

    assert caught.value.code == ErrorCode.SOURCE_ILLEGAL
    assert (host / "link").is_symlink()  # no link of this machine was taken for user code's


def test_files_are_taken_into_folders_that_user_code_has_not_open(
    storage: Storage, root: Path, tmp_path: Path
) -> None:
    (root / "out/d").mkdir()
    (root / "out/d/f").write_text("mine")
    (root / "out/link").symlink_to("d/f")
    opened = os.open(root / "out/d", os.O_RDONLY)

    taken = find_output(root).taken(tmp_path / "aside")
    os.symlink("/etc/passwd", "g", dir_fd=opened)
    os.close(opened)

    writer = ContentWriter(storage)
    writer.begin_batch(b"d" * 16)
    taken.put(writer)
    (rows,) = writer.finish()
    assert [path for path, _ in rows.entries()] == ["/d/f", "/link"]
    assert sorted(path.name for path in (tmp_path / "aside").rglob("*") if path.is_file()) == [
        "f",
        "link",
    ]

"""Putting a folder again gives what reading all of it gives, whatever happened to its files.

Edits that leave size and inode, times set back, renames over others, files that become links or
folders, in the same tick of the clock as a put or much later.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.clock import SystemClock
from pfs_provider.storage.apply import apply_changes
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.folder_puts import put_folder
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.sources import scan_folder
from pfs_provider.storage.stat_cache import StatCache
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.storage.values import EMPTY_TREE

RACY_NS = 40_000_000
"""Instead of two seconds: still some ticks, which are 10 ms at the most."""
NAMES = st.sampled_from(["a", "b", "d/a", "d/b"])


def _clear(place: Path) -> None:
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.is_dir():
        for below in place.iterdir():
            _clear(below)
        place.rmdir()


def _is_file(place: Path) -> bool:
    return place.is_file() and not place.is_symlink()


def write(root: Path, name: str, other: str) -> None:
    """Other bytes of the same number, in the same inode where there is one."""
    place = root / name
    if not _is_file(place):
        _clear(place)
    place.write_bytes(os.urandom(2))


def set_back(root: Path, name: str, other: str) -> None:
    """Other bytes, and the times as they were."""
    place = root / name
    if _is_file(place):
        info = place.stat()
        place.write_bytes(os.urandom(2))
        os.utime(place, ns=(info.st_atime_ns, info.st_mtime_ns))


def swap(root: Path, name: str, other: str) -> None:
    """One file in the place of another."""
    if _is_file(root / name) and _is_file(root / other):
        (root / name).replace(root / other)


def link(root: Path, name: str, other: str) -> None:
    """A link instead of a file."""
    if name != other and _is_file(root / other):
        _clear(root / name)
        (root / name).symlink_to(root / other)


def hard_link(root: Path, name: str, other: str) -> None:
    """The same inode under two names."""
    if name != other and _is_file(root / other):
        _clear(root / name)
        (root / name).hardlink_to(root / other)


def to_folder(root: Path, name: str, other: str) -> None:
    """A folder where a file was."""
    _clear(root / name)
    (root / name).mkdir()
    (root / name / "deep").write_bytes(os.urandom(2))


def remove(root: Path, name: str, other: str) -> None:
    """One file less."""
    _clear(root / name)


def make_executable(root: Path, name: str, other: str) -> None:
    """The same bytes, another mode."""
    if _is_file(root / name):
        (root / name).chmod(0o755)


def wait(root: Path, name: str, other: str) -> None:
    """All that is there is old by now."""
    time.sleep(2 * RACY_NS / 1e9)


ACTS: list[Callable[[Path, str, str], None]] = [
    write, write, set_back, set_back, swap, link, hard_link, to_folder, remove, make_executable,
]  # fmt: skip
STEPS = st.lists(
    st.tuples(st.booleans(), st.lists(st.tuples(st.sampled_from(ACTS), NAMES, NAMES), max_size=3)),
    min_size=1,
    max_size=4,
)


@given(steps=STEPS)
def test_a_put_with_the_cache_gives_what_reading_all_gives(
    steps: list[tuple[bool, list[tuple[Callable[[Path, str, str], None], str, str]]]],
) -> None:
    assert _run(steps) == []


@pytest.mark.parametrize(("racy_ns", "may_be_wrong"), [(-(10**15), True), (RACY_NS, False)])
def test_a_change_within_one_tick_shows_in_no_time_but_is_read(
    tmp_path: Path, racy_ns: int, may_be_wrong: bool
) -> None:
    (tmp_path / "folder").mkdir()
    cache = StatCache(tmp_path / "cache", SystemClock(), min_files=1, racy_ns=racy_ns)
    root, n_wrong = tmp_path / "folder", 0
    for _ in range(200):
        write(root, "a", "")
        cache.keep(cache.look(root, scan_folder(root)), [b"x" * 32])
        set_back(root, "a", "")
        n_wrong += cache.look(root, scan_folder(root)).digests != [None]

    if may_be_wrong and not n_wrong:
        pytest.skip("this machine's file system gives every write a time of its own")
    assert bool(n_wrong) == may_be_wrong


def _run(
    steps: list[tuple[bool, list[tuple[Callable[[Path, str, str], None], str, str]]]],
) -> list[int]:
    """Do the steps, with a put after each, and return the numbers of those that differed."""
    wrong = []
    with (
        tempfile.TemporaryDirectory() as place,
        Storage(MemoryStore(), clock=SystemClock()) as storage,
    ):
        root = Path(place) / "folder"
        (root / "d").mkdir(parents=True)
        for name in ("a", "b", "d/a", "d/b"):
            write(root, name, name)
        cache = StatCache(Path(place) / "cache", SystemClock(), min_files=1, racy_ns=RACY_NS)
        tree = EMPTY_TREE
        for number, (is_late, acts) in enumerate([(True, []), *steps]):
            for act, name, other in acts:
                act(root, name, other)
            for name in ("a", "b", "d/a", "d/b"):
                if (root / name).is_symlink() and not (root / name).exists():
                    (root / name).unlink()  # no folder with such a link is stored
            if is_late:
                wait(root, "", "")
            rows = put_folder(storage, tree, "/", root, cache=cache)
            with ContentWriter(storage) as writer:
                writer.put_folder("/", root)
                read = writer.finish()[0]
            if _seen(rows) != _seen(read):
                wrong.append(number)
            tree = apply_changes(storage, EMPTY_TREE, deletes=(), rows=rows)
    return wrong


def _seen(rows: Rows) -> tuple[list[bytes], bytes, bytes]:
    return rows.paths, rows.digests, rows.executable

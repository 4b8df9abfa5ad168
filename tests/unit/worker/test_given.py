"""Links to inputs are taken by reference where user code left those as they were, only there."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.jobs.records import PieceRecord
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.reading import read_entry
from pfs_provider.storage.rows import Rows
from pfs_provider.testing.stores import FaultyStore
from pfs_provider.worker.collecting import collect_output
from pfs_provider.worker.given import GivenFiles
from pfs_provider.worker.staging import stage_datum
from tests.pfs_world import PfsWorld

if TYPE_CHECKING:
    from pfs_provider.storage.values import TreeRef

BRANCH = "default/in@master"
LARGE = "a large file " * 200_000
FILES = {"/a": "1", "/b": "2", "/d/x": "22", "/d/e/y": "333", "/e/x": "44", "/large": LARGE}


def _piece(path: str, mode: str = "files", *, is_dir: bool = False) -> PieceRecord:
    return PieceRecord("in", BRANCH, path, is_dir=is_dir, mode=mode)


class Task:
    """One datum that is staged; what its user code does is done to ``root``."""

    def __init__(self, world: PfsWorld, root: Path, *pieces: PieceRecord) -> None:
        self._world = world
        self._trees: dict[str, TreeRef] = {BRANCH: world.tree("in@master")}
        self.root = root
        self.calls: list[tuple[str, str]] = []
        root.mkdir()
        stage_datum(world.storage, self._trees, pieces, root)
        self._given = GivenFiles(world.storage, self._trees, pieces, root)

    def link(self, name: str, to: str) -> None:
        path = self.root / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(to)

    def collect(self) -> Rows:
        """Return the output; ``calls`` are those to the store, of a worker that remembers none."""
        watched = FaultyStore(self._world.storage.store)
        with Storage(watched, clock=self._world.storage.clock) as storage:
            given = self._given
            given._storage = storage  # the pages that it reads are to be seen too
            writer = ContentWriter(storage)
            writer.begin_batch(b"d" * 16)
            collect_output(writer, self.root, given)
            (rows,) = writer.finish()
        self.calls = [(call.verb, call.key) for call in watched.calls]
        return rows

    def output(self) -> dict[str, str]:
        return {
            path: b"".join(read_entry(self._world.storage, entry)).decode()
            for path, entry in self.collect().entries()
        }

    def moved(self) -> list[tuple[str, str]]:
        """Return the calls that move content, not the pages that list it."""
        return [call for call in self.calls if not call[1].startswith("pages/")]


@pytest.fixture
def world(world: PfsWorld) -> PfsWorld:
    world.commit("in@master", FILES)
    return world


@pytest.mark.parametrize("mode", ["files", "empty", "lazy"])
@pytest.mark.parametrize("glob", ["whole", "single"])
def test_links_to_inputs_move_no_byte(
    world: PfsWorld, tmp_path: Path, mode: str, glob: str
) -> None:
    pieces = (
        [_piece("/", mode, is_dir=True)]
        if glob == "whole"
        else [_piece(path, mode) for path in FILES]
    )
    task = Task(world, tmp_path / "pfs", *pieces)
    task.link("a", "/pfs/in/a")
    task.link("sub/large", "../../in/large")
    task.link("again", "/pfs/out/a")
    task.link("d", "/pfs/in/d")
    task.link("all", "/pfs/in")
    task.link("through", "/pfs/out/all/d/e/y")

    found = task.output()

    assert found == {
        "/a": "1",
        "/again": "1",
        "/sub/large": LARGE,
        "/d/x": "22",
        "/d/e/y": "333",
        "/through": "333",
        **{f"/all{path}": text for path, text in FILES.items()},
    }
    assert task.moved() == []


def test_a_reference_is_the_datums_file_and_new(world: PfsWorld, tmp_path: Path) -> None:
    task = Task(world, tmp_path / "pfs", _piece("/a"))
    task.link("a", "/pfs/in/a")

    ((_, entry),) = task.collect().entries()

    assert entry.datum == b"d" * 16
    assert entry.modified is not None


def _rewrite(path: Path) -> None:
    path.write_text("9")


def _keep_times(path: Path) -> None:
    """As tools such as ``exiftool -P`` do: other bytes, as many, and the time of before."""
    info = path.stat()
    path.write_text("9")
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def _replace(path: Path) -> None:
    path.with_name("new").write_text("9")
    path.with_name("new").rename(path)


@pytest.mark.parametrize("change", [_rewrite, _keep_times, _replace])
@pytest.mark.parametrize("mode", ["files", "lazy"])
def test_a_file_that_was_changed_is_stored_as_it_is(
    world: PfsWorld, tmp_path: Path, change: Callable[[Path], None], mode: str
) -> None:
    task = Task(world, tmp_path / "pfs", _piece("/", mode, is_dir=True))
    change(task.root / "in" / "a")
    task.link("a", "/pfs/in/a")

    assert task.output() == {"/a": "9"}


def test_files_that_changed_places_are_stored_as_they_lie(world: PfsWorld, tmp_path: Path) -> None:
    task = Task(world, tmp_path / "pfs", _piece("/", is_dir=True))
    for one, other in (("a", "b"), ("d", "e")):
        (task.root / "in" / one).rename(task.root / "aside")
        (task.root / "in" / other).rename(task.root / "in" / one)
        (task.root / "aside").rename(task.root / "in" / other)
    task.link("a", "/pfs/in/a")
    task.link("x", "/pfs/in/d/x")

    assert task.output() == {"/a": "2", "/x": "44"}


def test_touched_and_executable_is_by_reference_still(world: PfsWorld, tmp_path: Path) -> None:
    task = Task(world, tmp_path / "pfs", _piece("/large"))
    (task.root / "in" / "large").chmod(0o755)
    task.link("tool", "/pfs/in/large")

    ((_, entry),) = task.collect().entries()

    assert entry.executable
    assert task.moved() == []


def test_what_user_code_wrote_into_a_placeholder_is_stored(world: PfsWorld, tmp_path: Path) -> None:
    task = Task(world, tmp_path / "pfs", _piece("/", "empty", is_dir=True))
    (task.root / "in" / "a").write_text("own")
    (task.root / "in" / "none").touch()
    task.link("a", "/pfs/in/a")
    task.link("none", "/pfs/in/none")

    assert task.output() == {"/a": "own", "/none": ""}


def _move_out(root: Path) -> None:
    (root / "in" / "a").rename(root / "out" / "a")


def _move_beside(root: Path) -> None:
    (root / "in" / "a").rename(root / "in" / "none")
    (root / "out" / "a").symlink_to("/pfs/in/none")


def _move_over(root: Path) -> None:
    (root / "in" / "b").rename(root / "in" / "a")
    (root / "out" / "a").symlink_to("/pfs/in/a")


def _copy_out(root: Path) -> None:
    shutil.copy2(root / "in" / "a", root / "out" / "a")


@pytest.mark.parametrize("move", [_move_out, _move_beside, _move_over, _copy_out])
def test_a_placeholder_in_anothers_place_is_refused_and_not_stored_empty(
    world: PfsWorld, tmp_path: Path, move: Callable[[Path], None]
) -> None:
    task = Task(world, tmp_path / "pfs", _piece("/", "empty", is_dir=True))
    move(task.root)

    with pytest.raises(RefusedError, match="an empty placeholder") as raised:
        task.collect()

    assert raised.value.code == ErrorCode.SOURCE_ILLEGAL


def test_a_file_of_the_repo_that_the_datum_was_not_given_is_user_codes_own(
    world: PfsWorld, tmp_path: Path
) -> None:
    task = Task(world, tmp_path / "pfs", _piece("/a"))
    (task.root / "in" / "b").write_text("own")
    task.link("b", "/pfs/in/b")

    assert task.output() == {"/b": "own"}

"""Staging: a datum's files where its user code will see them."""

import os
from pathlib import Path

import pytest

from pfs_provider.errors import CorruptDataError
from pfs_provider.jobs.records import PieceRecord
from pfs_provider.storage.values import EMPTY_TREE, TreeRef
from pfs_provider.worker.staging import clear_root, stage_datum
from tests.pfs_world import PfsWorld

BRANCH = "default/in@master"


@pytest.fixture
def trees(world: PfsWorld) -> dict[str, TreeRef]:
    world.commit("in@master", {"/a": "1", "/d/x": "22", "/d/e/y": "333"})
    return {BRANCH: world.tree("in@master")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "pfs"
    made.mkdir()
    return made


def _piece(
    path: str, *, is_dir: bool = False, mode: str = "files", name: str = "in"
) -> PieceRecord:
    return PieceRecord(name, BRANCH, path, is_dir=is_dir, mode=mode)


def _files(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize(
    ("pieces", "files"),
    [
        ([_piece("/a")], {"in/a": "1"}),
        ([_piece("/d/e/y")], {"in/d/e/y": "333"}),
        ([_piece("/d", is_dir=True)], {"in/d/x": "22", "in/d/e/y": "333"}),
        ([_piece("/", is_dir=True)], {"in/a": "1", "in/d/x": "22", "in/d/e/y": "333"}),
        ([_piece("/a"), _piece("/d/x")], {"in/a": "1", "in/d/x": "22"}),
        ([_piece("/a"), _piece("/a", name="other")], {"in/a": "1", "other/a": "1"}),
        ([_piece("/d", is_dir=True, mode="empty")], {"in/d/x": "", "in/d/e/y": ""}),
        ([_piece("/a", mode="empty")], {"in/a": ""}),
        ([_piece("/", is_dir=True, mode="s3")], {}),
    ],
    ids=["file", "deep", "folder", "root", "two", "inputs", "empty", "empty-file", "s3"],
)
def test_just_the_datums_files_are_there(
    world: PfsWorld,
    trees: dict[str, TreeRef],
    root: Path,
    pieces: list[PieceRecord],
    files: dict[str, str],
) -> None:
    stage_datum(world.storage, trees, pieces, root)

    assert _files(root) == files
    assert list((root / "out").iterdir()) == []
    assert {child.name for child in root.iterdir()} == {"out", *(piece.input for piece in pieces)}


def test_a_file_that_the_plan_saw_and_the_tree_lacks_is_damage(world: PfsWorld, root: Path) -> None:
    with pytest.raises(CorruptDataError, match="/a"):
        stage_datum(world.storage, {BRANCH: EMPTY_TREE}, [_piece("/a")], root)


def test_a_root_is_emptied_whatever_user_code_left(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("stays")
    deep = root / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "file").write_text("x")
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "folder-link").symlink_to(tmp_path)
    os.mkfifo(root / "fifo")
    deep.chmod(0)
    (root / "a").chmod(0)

    clear_root(root)

    assert list(root.iterdir()) == []
    assert (tmp_path / "outside").read_text() == "stays"


def test_what_stays_from_datum_to_datum_is_left(root: Path) -> None:
    (root / ".next").mkdir()
    (root / "in").mkdir()

    clear_root(root, but=".next")

    assert [path.name for path in root.iterdir()] == [".next"]


def test_the_bytes_that_come_are_told_before_they_are_written(
    world: PfsWorld, trees: dict[str, TreeRef], root: Path
) -> None:
    told: list[tuple[int, int]] = []

    stage_datum(
        world.storage,
        trees,
        [_piece("/a"), _piece("/d", is_dir=True, name="other")],
        root,
        check=lambda n_bytes: told.append((n_bytes, len(_files(root)))),
    )

    assert (1, 0) in told  # the file /a, with nothing there yet
    assert (5, 1) in told  # the folder /d, with /a there

"""A folder of which most was stored before."""

import shutil
from pathlib import Path

import pytest

from pfs_provider.storage.apply import apply_changes
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.folder_puts import put_folder
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.stat_cache import StatCache
from pfs_provider.storage.values import EMPTY_TREE, TreeRef
from tests.unit.storage.test_stat_cache import LateClock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    for number in range(30):
        (folder / "below" / f"{number:02}").write_text(str(number))
    (folder / "run").write_text("#!")
    (folder / "run").chmod(0o755)
    (folder / "empty").write_text("")
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> StatCache:
    return StatCache(tmp_path / "cache", LateClock(), min_files=1)


def _put(
    storage: Storage, base: TreeRef, folder: Path, cache: StatCache
) -> tuple[Rows, TreeRef, int]:
    """Put the folder, and return with it how many files were not read."""
    told: list[int] = []
    rows = put_folder(
        storage, base, "/in", folder, cache=cache, progress=lambda n, _: told.append(n)
    )
    n_units = 1 if len(told) > 1 else 0
    kept = told[0] if n_units or told == [len(rows)] else 0
    return rows, apply_changes(storage, base, deletes=(), rows=rows), kept


def _read_all(storage: Storage, base: TreeRef, folder: Path) -> Rows:
    with ContentWriter(storage, base) as writer:
        writer.put_folder("/in", folder)
        (rows,) = writer.finish()
    return rows


def test_a_second_put_reads_only_what_changed(
    storage: Storage, folder: Path, cache: StatCache
) -> None:
    first, tree, _ = _put(storage, EMPTY_TREE, folder, cache)
    (folder / "below" / "07").write_text("x")
    (folder / "new").write_text("new")

    second, _, kept = _put(storage, tree, folder, cache)

    assert kept == len(first) - 1
    assert _seen(second) == _seen(_read_all(storage, tree, folder))


def test_what_was_kept_names_the_very_rows_of_the_base(
    storage: Storage, folder: Path, cache: StatCache
) -> None:
    _, tree, _ = _put(storage, EMPTY_TREE, folder, cache)

    again, same, kept = _put(storage, tree, folder, cache)

    assert (kept, same) == (len(again), tree)
    assert again == _read_all(storage, tree, folder)


def test_a_file_that_the_base_does_not_hold_is_read(
    storage: Storage, folder: Path, cache: StatCache
) -> None:
    first, _, _ = _put(storage, EMPTY_TREE, folder, cache)

    other, _, _ = _put(storage, EMPTY_TREE, folder, cache)

    assert _seen(other) == _seen(first)


def test_a_file_that_the_base_holds_otherwise_is_put(
    storage: Storage, folder: Path, cache: StatCache
) -> None:
    first, _, _ = _put(storage, EMPTY_TREE, folder, cache)
    changed = folder.with_name("changed")
    shutil.copytree(folder, changed)
    (changed / "run").write_text("##")
    (changed / "below" / "03").chmod(0o755)
    _, tree, _ = _put(storage, EMPTY_TREE, changed, cache)

    back, _, kept = _put(storage, tree, folder, cache)

    assert _seen(back) == _seen(first)
    assert kept == len(first) - 2


def _seen(rows: Rows) -> tuple[list[bytes], bytes, bytes, bytes]:
    return rows.paths, rows.digests, rows.sizes, rows.executable

from collections.abc import Callable

import pytest

from pfs_provider.errors import CorruptDataError
from pfs_provider.storage.building import build_tree
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.tree import (
    PathFinder,
    find_entries,
    find_entry,
    iter_rows,
    prefix_range,
    read_leaf,
)
from pfs_provider.storage.values import EMPTY_TREE, TreeRef
from pfs_provider.testing.stores import FaultyStore
from pfs_provider.testing.trees import make_entry

Put = Callable[[dict[str, bytes]], TreeRef]


@pytest.fixture
def many(storage: Storage) -> TreeRef:
    files = ((f"/{n // 1000}/{n:05d}", make_entry(str(n))) for n in range(20_000))
    return build_tree(storage, Rows.from_entries(files))


def test_a_file_is_found_and_a_directory_is_no_file(storage: Storage, many: TreeRef) -> None:
    assert find_entry(storage, many, "/7/07007") == make_entry("7007")
    assert find_entry(storage, many, "/7") is None
    assert find_entry(storage, many, "/zzz") is None
    assert find_entry(storage, EMPTY_TREE, "/7") is None


def test_sorted_paths_read_each_page_once(storage: Storage, many: TreeRef) -> None:
    paths = [f"/0/{n:05d}" for n in range(1000)]
    faulty = FaultyStore(storage.store)
    storage.store = faulty
    storage.cache.__init__(1)  # type: ignore[misc]  # keeps one page alone

    found = find_entries(storage, many, paths)

    assert found == [make_entry(str(n)) for n in range(1000)]
    assert len(faulty.calls) < 25


def test_rows_come_page_by_page_between_any_bounds(storage: Storage, many: TreeRef) -> None:
    pages = list(iter_rows(storage, many, prefix="/3", start="/3/03500"))

    paths = [path for rows in pages for path in rows.paths]
    assert paths == [b"/3/%05d" % n for n in range(3500, 4000)]
    assert all(len(rows) for rows in pages)
    assert list(iter_rows(storage, EMPTY_TREE)) == []


def test_a_store_far_away_is_read_ahead_in_order(storage: Storage, many: TreeRef) -> None:
    storage.is_near = False

    paths = [path for rows in iter_rows(storage, many) for path in rows.paths]

    assert paths == sorted(paths)
    assert len(paths) == 20_000


def test_the_range_of_a_directory_holds_just_what_is_below() -> None:
    assert prefix_range("/") == (b"", None)
    assert prefix_range("/a/") == (b"/a/", b"/a0")


def test_equal_files_are_told_from_others(storage: Storage, put: Put) -> None:
    finder = PathFinder(storage, put({"/a": b"x", "/b": b"y"}))
    digest = make_entry("x").digest

    assert finder.find_equal(b"/a", digest) is not None
    assert finder.find_equal(b"/b", digest) is None
    assert finder.find_equal(b"/c", digest) is None
    assert PathFinder(storage, EMPTY_TREE).find_equal(b"/a", digest) is None


def test_an_index_where_a_leaf_is_wanted_is_corrupt(storage: Storage, many: TreeRef) -> None:
    with pytest.raises(CorruptDataError, match="is an index"):
        read_leaf(storage, many.physical)

import pytest

from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.storage.building import apply_ranges, build_tree, delete_ranges
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import EMPTY_ROWS, Rows
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.storage.values import EMPTY_TREE
from pfs_provider.testing.stores import FaultyStore
from pfs_provider.testing.trees import make_entry
from tests.unit.storage.test_handle import QuickClock


def rows(*paths: str) -> Rows:
    return Rows.from_entries((path, make_entry(path)) for path in paths)


def test_no_rows_make_the_empty_tree(storage: Storage, store: MemoryStore) -> None:
    assert build_tree(storage, EMPTY_ROWS) == EMPTY_TREE
    assert store.objects == {}


def test_a_tree_from_which_all_went_is_the_empty_tree(storage: Storage) -> None:
    tree = build_tree(storage, rows("/a", "/b/c"))

    assert apply_ranges(storage, tree, ranges=[(b"/", b"0")], rows=EMPTY_ROWS) == EMPTY_TREE


@pytest.mark.parametrize(
    ("there", "comes", "named"),
    [
        ((), ("/a", "/a-b", "/a/c"), ("/a", "/a/c")),
        (("/a",), ("/a/b/c",), ("/a", "/a/b/c")),
        (("/a/b/c",), ("/a/b",), ("/a/b", "/a/b/c")),
        (("/a/b/c", "/x"), ("/a",), ("/a", "/a/b/c")),
        (("/a-b", "/a.c"), ("/a", "/a/0"), ("/a", "/a/0")),
    ],
)
def test_a_path_is_never_both_a_file_and_a_directory(
    storage: Storage, there: tuple[str, ...], comes: tuple[str, ...], named: tuple[str, str]
) -> None:
    base = build_tree(storage, rows(*there))

    with pytest.raises(ConflictError) as caught:
        apply_ranges(storage, base, ranges=[], rows=rows(*comes))

    assert caught.value.code == ErrorCode.PATH_CONFLICT
    assert (caught.value.fields["path"], caught.value.fields["other"]) == named
    assert all(path in caught.value.message for path in named)


def test_a_conflict_across_pages_is_found(storage: Storage) -> None:
    base = build_tree(storage, rows("/a", *(f"/a-{n}" for n in range(3000))))

    with pytest.raises(ConflictError):
        apply_ranges(storage, base, ranges=[], rows=rows("/a/z"))


def test_deletes_come_before_the_check(storage: Storage) -> None:
    base = build_tree(storage, rows("/a", "/b/c"))

    tree = apply_ranges(storage, base, ranges=delete_ranges(["/a", "/b"]), rows=rows("/a/x", "/b"))

    assert tree == build_tree(storage, rows("/a/x", "/b"))


def test_ranges_of_deletes_are_disjoint() -> None:
    ranges = delete_ranges(["/b/", "/a", "/a/x"])

    assert ranges == [(b"/a", b"/a\0"), (b"/a/", b"/a0"), (b"/b", b"/b\0"), (b"/b/", b"/b0")]
    assert delete_ranges(["/x", "/"]) == [(b"", b"\xff")]


def test_cost_follows_the_change() -> None:
    faulty = FaultyStore(MemoryStore())
    with Storage(faulty, clock=QuickClock()) as storage:
        tree = build_tree(storage, rows(*(f"/{n // 100:03d}/{n:06d}" for n in range(50_000))))
        storage.cache.__init__(1 << 20)  # type: ignore[misc]  # forget all pages
        faulty.calls.clear()

        apply_ranges(storage, tree, ranges=delete_ranges(["/250/025001"]), rows=rows("/250/x"))

    assert len(faulty.calls) < 12

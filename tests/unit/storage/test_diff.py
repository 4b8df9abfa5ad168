from pfs_provider.storage.apply import apply_changes
from pfs_provider.storage.building import build_tree
from pfs_provider.storage.diff import diff_trees
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.values import EMPTY_TREE, TreeRef
from pfs_provider.testing.stores import FaultyStore
from pfs_provider.testing.trees import make_entry


def build(storage: Storage, n_files: int) -> TreeRef:
    files = ((f"/{n:06d}", make_entry(str(n % 7))) for n in range(n_files))
    return build_tree(storage, Rows.from_entries(files))


def test_added_deleted_and_modified_come_in_path_order(storage: Storage) -> None:
    old = build(storage, 3000)
    puts = Rows.from_entries([("/000500", make_entry("new")), ("/000500x", make_entry("added"))])
    new = apply_changes(storage, old, deletes=["/000001", "/002999"], rows=puts)

    changes = [(c.path, c.old is None, c.new is None) for c in diff_trees(storage, new, old)]

    assert changes == [
        ("/000001", False, True),
        ("/000500", False, False),
        ("/000500x", True, False),
        ("/002999", False, True),
    ]


def test_against_the_empty_tree_all_is_added(storage: Storage) -> None:
    tree = build(storage, 1000)

    assert all(change.old is None for change in diff_trees(storage, tree, EMPTY_TREE))
    assert sum(1 for _ in diff_trees(storage, EMPTY_TREE, tree)) == 1000
    assert list(diff_trees(storage, tree, tree)) == []


def test_the_executable_bit_is_a_difference(storage: Storage) -> None:
    plain, tool = (
        build_tree(storage, Rows.from_entries([("/a", make_entry("x", executable=bit))]))
        for bit in (False, True)
    )

    assert [change.path for change in diff_trees(storage, tool, plain)] == ["/a"]


def test_only_pages_that_differ_are_read(storage: Storage) -> None:
    old = build(storage, 50_000)
    puts = Rows.from_entries([("/010000", make_entry("new")), ("/040000x", make_entry("new"))])
    new = apply_changes(storage, old, deletes=["/020000"], rows=puts)
    faulty = FaultyStore(storage.store)
    storage.store = faulty
    storage.cache.__init__(1 << 20)  # type: ignore[misc]  # forget all pages

    changes = list(diff_trees(storage, new, old))

    assert len(changes) == 3
    assert len(faulty.calls) < 16


def test_what_follows_a_large_deletion_is_skipped_unread(storage: Storage) -> None:
    old = build(storage, 20_000)
    new = apply_changes(
        storage, old, deletes=[f"/{n:06d}" for n in range(5000)], rows=Rows.from_entries([])
    )
    faulty = FaultyStore(storage.store)
    storage.store = faulty
    storage.cache.__init__(1)  # type: ignore[misc]  # keeps one page alone

    assert sum(1 for _ in diff_trees(storage, new, old)) == 5000
    assert len(faulty.calls) < 25

from collections.abc import Callable

from pfs_provider.storage.apply import apply_changes, apply_deltas
from pfs_provider.storage.building import build_tree
from pfs_provider.storage.deltas import Delta, write_delta
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.listing import iter_entries
from pfs_provider.storage.rows import EMPTY_ROWS, Rows
from pfs_provider.storage.values import EMPTY_TREE, TreeRef
from pfs_provider.testing.stores import FaultyStore
from pfs_provider.testing.trees import make_entry

Put = Callable[[dict[str, bytes]], TreeRef]


def rows(*paths: str) -> Rows:
    return Rows.from_entries((path, make_entry(path)) for path in paths)


def paths(storage: Storage, tree: TreeRef) -> list[str]:
    return [path for path, _ in iter_entries(storage, tree)]


def test_a_delete_takes_the_file_and_all_below(storage: Storage, put: Put) -> None:
    tree = put(dict.fromkeys(["/a", "/b/c", "/b/d/e", "/b-c", "/b.d"], b""))

    assert paths(storage, apply_changes(storage, tree, deletes=["/a", "/b/"], rows=EMPTY_ROWS)) == [
        "/b-c",
        "/b.d",
    ]
    assert apply_changes(storage, tree, deletes=["/", "/a"], rows=EMPTY_ROWS) == EMPTY_TREE
    assert apply_changes(storage, tree, deletes=["/nothing"], rows=EMPTY_ROWS) == tree


def test_deletes_come_before_puts(storage: Storage, put: Put) -> None:
    tree = apply_changes(storage, put({"/a/b": b""}), deletes=["/"], rows=rows("/a"))

    assert paths(storage, tree) == ["/a"]


def test_deltas_come_in_order(storage: Storage) -> None:
    deltas = [
        Delta((), rows("/a", "/b/c")),
        Delta(("/b",), rows("/b")),
        Delta(("/a",), EMPTY_ROWS),
        Delta((), rows("/d")),
    ]
    names = [write_delta(storage, delta) for delta in deltas]

    assert paths(storage, apply_deltas(storage, EMPTY_TREE, names)) == ["/b", "/d"]
    assert paths(storage, apply_deltas(storage, EMPTY_TREE, names[:2])) == ["/a", "/b"]
    assert apply_deltas(storage, EMPTY_TREE, []) == EMPTY_TREE


def test_a_first_large_delta_is_taken_over_as_it_is(storage: Storage) -> None:
    many = rows(*(f"/{n}" for n in range(5000)))
    name = write_delta(storage, Delta((), many))
    expected = build_tree(storage, many)
    faulty = FaultyStore(storage.store)
    storage.store = faulty

    assert apply_deltas(storage, EMPTY_TREE, [name]) == expected
    assert len(faulty.calls) == 1

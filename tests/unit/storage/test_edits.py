from pfs_provider.storage.building import build_tree
from pfs_provider.storage.edits import LeafEdits, edit_level, subtract_ranges
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.pages import cut_leaves, put_leaf
from pfs_provider.storage.rows import EMPTY_ROWS, Rows
from pfs_provider.storage.tree import root_ref
from pfs_provider.testing.trees import make_entry


def rows(*paths: str) -> Rows:
    return Rows.from_entries((path, make_entry(path)) for path in paths)


def test_ranges_take_whole_runs_out() -> None:
    left = subtract_ranges(rows("/a", "/b", "/c", "/d"), [(b"/a\0", b"/b\0"), (b"/d", b"/z")])

    assert left.paths == [b"/a", b"/c"]
    assert subtract_ranges(EMPTY_ROWS, [(b"/a", b"/b")]).paths == []


def test_the_next_key_is_the_first_that_any_edit_touches() -> None:
    edits = LeafEdits([(b"/c", b"/e")], rows("/b", "/d"))

    keys = [edits.next_key(floor) for floor in (None, b"/b", b"/c", b"/d", b"/e")]

    assert keys == [b"/b", b"/c", b"/c\0", b"/d\0", None]


def test_a_level_tells_which_pages_went_and_which_came(storage: Storage) -> None:
    old = put_leaf(storage, rows("/a", "/b"))

    change = edit_level(storage, old, 0, LeafEdits([(b"/b", b"/b\0")], rows("/c")))

    assert change.removed == [b"/b"]
    assert [ref.last for ref in change.added] == [b"/c"]
    assert change.added[0].n_files == 2


def test_pages_that_no_edit_touches_are_not_read(storage: Storage) -> None:
    paths = [f"/{n:05d}" for n in range(3000)]
    ends = cut_leaves([path.encode() for path in paths], is_end=True)
    tree = build_tree(storage, rows(*paths))

    change = edit_level(storage, root_ref(tree), 0, LeafEdits([], rows("/00000x")))

    assert len(ends) > 2
    assert len(change.removed) == len(change.added) == 1

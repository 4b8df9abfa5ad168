from collections.abc import Callable

from pfs_provider.storage.handle import Storage
from pfs_provider.storage.listing import find_item, iter_entries, list_folder
from pfs_provider.storage.values import EMPTY_TREE, TreeRef

Put = Callable[[dict[str, bytes]], TreeRef]
CONTENT = {"/a": b"1", "/b/c": b"22", "/b/d/e": b"333", "/b-x": b"", "/é/f": b"4"}


def test_children_come_in_byte_order_with_what_is_below_added_up(
    storage: Storage, put: Put
) -> None:
    items = list(list_folder(storage, put(CONTENT), "/"))

    assert [(i.path, i.is_dir, i.size, i.n_files) for i in items] == [
        ("/a", False, 1, 1),
        ("/b-x", False, 0, 1),
        ("/b", True, 5, 2),
        ("/é", True, 1, 1),
    ]
    assert all((item.entry is None) == item.is_dir for item in items)


def test_a_file_and_what_is_not_there_have_no_children(storage: Storage, put: Put) -> None:
    tree = put(CONTENT)

    assert list(list_folder(storage, tree, "/a")) == []
    assert list(list_folder(storage, tree, "/nothing")) == []
    assert [item.path for item in list_folder(storage, tree, "/b/")] == ["/b/c", "/b/d"]


def test_an_item_is_a_file_or_a_directory(storage: Storage, put: Put) -> None:
    tree = put(CONTENT)

    found = {path: find_item(storage, tree, path) for path in ("/a", "/b", "/b/", "/x", "/")}

    kinds = {path: None if item is None else item.is_dir for path, item in found.items()}
    assert kinds == {"/a": False, "/b": True, "/b/": True, "/x": None, "/": True}
    assert found["/b"] == found["/b/"]


def test_the_root_of_any_tree_is_a_directory(storage: Storage) -> None:
    root = find_item(storage, EMPTY_TREE, "/")

    assert root is not None
    assert (root.path, root.is_dir, root.n_files) == ("/", True, 0)


def test_a_directorys_digest_covers_names_and_content(storage: Storage, put: Put) -> None:
    trees = [
        put({"/d/a": b"1", "/d/b": b"2"}),
        put({"/d/a": b"2", "/d/b": b"1"}),
        put({"/d/a": b"1", "/d/c": b"2"}),
        put({"/d/a": b"1"}),
    ]

    digests = {item.digest for tree in trees if (item := find_item(storage, tree, "/d"))}

    assert len(digests) == 4


def test_entries_below_a_directory_may_start_anywhere(storage: Storage, put: Put) -> None:
    tree = put(CONTENT)

    assert [path for path, _ in iter_entries(storage, tree, prefix="/b", start="/b/d")] == [
        "/b/d/e"
    ]

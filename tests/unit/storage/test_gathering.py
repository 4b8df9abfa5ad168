"""Edits of a tree gathered in any order; that they equal those at once is in tests/property."""

from collections.abc import Callable

import pytest

from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.storage.gathering import TreeEdits
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.listing import iter_entries
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.values import EMPTY_TREE, Entry, TreeRef
from pfs_provider.testing.trees import make_entry

Put = Callable[[dict[str, bytes]], TreeRef]


class ClashedError(Exception):
    """What the tests have raised for a path that two files want."""


def clash(path: str, one: Entry, two: Entry) -> ClashedError:
    return ClashedError(path, {one.size, two.size})


def _rows(path: str, text: str = "x") -> Rows:
    return Rows.from_entries([(path, make_entry(text))])


def _sizes(storage: Storage, tree: TreeRef) -> dict[str, int]:
    return {path: entry.size for path, entry in iter_entries(storage, tree)}


def test_what_goes_and_what_comes_in_any_order(storage: Storage, put: Put) -> None:
    base = put({"/a": b"1", "/b": b"1", "/c": b"1"})

    with TreeEdits() as edits:
        edits.put(_rows("/d"))
        edits.delete(b"/c")
        edits.delete(b"/b")
        edits.put(_rows("/b", "new"))
        tree = edits.apply(storage, base, clash=clash)

    assert _sizes(storage, tree) == {"/a": 1, "/b": 3, "/d": 1}


def test_two_that_come_to_one_path_clash(storage: Storage) -> None:
    with TreeEdits() as edits:
        edits.put(_rows("/a", "one"))
        edits.put(_rows("/a", "three"))

        with pytest.raises(ClashedError) as raised:
            edits.apply(storage, EMPTY_TREE, clash=clash)
        assert _sizes(storage, edits.apply(storage, EMPTY_TREE)).keys() == {"/a"}

    assert raised.value.args == ("/a", {3, 5})


def test_one_that_comes_where_another_stays_clashes(storage: Storage, put: Put) -> None:
    base = put({"/a": b"1"})

    with TreeEdits() as edits:
        edits.put(_rows("/a", "new"))

        with pytest.raises(ClashedError) as raised:
            edits.apply(storage, base, clash=clash)

    assert raised.value.args == ("/a", {1, 3})


@pytest.mark.parametrize("at_once", [1, 100])
def test_a_folder_may_come_where_a_file_goes(storage: Storage, put: Put, at_once: int) -> None:
    base = put({"/a/below": b"1", "/b": b"1"})

    with TreeEdits(at_once=at_once) as edits:
        edits.put(_rows("/a"))
        edits.put(_rows("/b/below"))
        edits.delete(b"/a/below")
        edits.delete(b"/b")
        tree = edits.apply(storage, base)

    assert _sizes(storage, tree).keys() == {"/a", "/b/below"}


@pytest.mark.parametrize("at_once", [1, 100])
def test_a_file_that_would_be_a_folder_too_is_refused(storage: Storage, at_once: int) -> None:
    with TreeEdits(at_once=at_once) as edits:
        for path in ("/a", "/a-b", "/a/b"):
            edits.put(_rows(path))

        with pytest.raises(ConflictError) as raised:
            edits.apply(storage, EMPTY_TREE)

    assert raised.value.code == ErrorCode.PATH_CONFLICT
    assert raised.value.fields["path"] == "/a"

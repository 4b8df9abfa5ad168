from collections.abc import Callable

import pytest

from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.listing import iter_entries
from pfs_provider.storage.merge import MergeConflict, merge_trees
from pfs_provider.storage.reading import read_entry
from pfs_provider.storage.values import Entry, TreeRef

Put = Callable[[dict[str, bytes]], TreeRef]


def content(storage: Storage, tree: TreeRef) -> dict[str, bytes]:
    return {p: b"".join(read_entry(storage, e)) for p, e in iter_entries(storage, tree)}


def test_both_sides_changes_come_together(storage: Storage, put: Put) -> None:
    base = put({"/a": b"1", "/b": b"2", "/c": b"3"})
    ours = put({"/a": b"ours", "/b": b"2", "/c": b"3", "/same": b"x"})
    theirs = put({"/a": b"1", "/c": b"theirs", "/d": b"new", "/same": b"x"})

    merged = merge_trees(storage, base, ours, theirs)

    assert content(storage, merged) == {
        "/a": b"ours",
        "/c": b"theirs",
        "/d": b"new",
        "/same": b"x",
    }


def test_one_path_changed_on_both_sides_is_a_conflict(storage: Storage, put: Put) -> None:
    base, ours, theirs = (put({"/a": data}) for data in (b"0", b"1", b"2"))

    with pytest.raises(ConflictError, match="/a") as caught:
        merge_trees(storage, base, ours, theirs)

    assert caught.value.code == ErrorCode.PATH_CONFLICT


def test_the_caller_may_decide(storage: Storage, put: Put) -> None:
    base, ours, theirs = (put({"/a": data, "/b": data}) for data in (b"0", b"1", b"2"))
    asked: list[str] = []

    def decide(conflict: MergeConflict) -> Entry | None:
        asked.append(conflict.path)
        return conflict.theirs if conflict.path == "/a" else None

    merged = merge_trees(storage, base, ours, theirs, on_conflict=decide)

    assert asked == ["/a", "/b"]
    assert content(storage, merged) == {"/a": b"2"}


def test_a_file_here_and_a_directory_there_is_a_conflict(storage: Storage, put: Put) -> None:
    base, ours, theirs = (
        put({"/x": b""}),
        put({"/x": b"", "/a": b""}),
        put({"/x": b"", "/a/b": b""}),
    )

    with pytest.raises(ConflictError, match="/a/b"):
        merge_trees(storage, base, ours, theirs)


def test_a_deleted_file_does_not_take_a_new_directory_with_it(storage: Storage, put: Put) -> None:
    base = put({"/a": b"1", "/x": b""})
    ours = put({"/a/mine": b"2", "/x": b""})
    theirs = put({"/x": b"changed"})

    merged = merge_trees(storage, base, ours, theirs)

    assert content(storage, merged) == {"/a/mine": b"2", "/x": b"changed"}

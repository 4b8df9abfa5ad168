from collections.abc import Callable

import pytest

from pfs_provider.refs.globs import compile_glob
from pfs_provider.storage.globbing import glob_changed, glob_items, glob_under
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.values import EMPTY_TREE, TreeRef

Put = Callable[[dict[str, bytes]], TreeRef]
CONTENT = dict.fromkeys(["/a", "/b/c", "/b/d/e", "/b-x/c", "/b.png", "/z/1/2/3"], b"")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/", ["/"]),
        ("/*", ["/a", "/b-x", "/b.png", "/b", "/z"]),
        ("/*/*", ["/b-x/c", "/b/c", "/b/d", "/z/1"]),
        ("/b/*", ["/b/c", "/b/d"]),
        ("/**", ["/a", "/b-x/c", "/b.png", "/b/c", "/b/d/e", "/z/1/2/3"]),
        ("/b/**", ["/b/c", "/b/d/e"]),
        ("/b", ["/b"]),
        ("/b/d/", ["/b/d"]),
        ("/nothing", []),
        ("/{b,b/d}", ["/b", "/b/d"]),
        ("/*.png", ["/b.png"]),
        ("/z/*/2", ["/z/1/2"]),
    ],
)
def test_a_glob_selects(storage: Storage, put: Put, text: str, expected: list[str]) -> None:
    found = glob_items(storage, put(CONTENT), compile_glob(text))

    assert [item.path for item in found] == expected


def test_nothing_matches_in_the_empty_tree(storage: Storage) -> None:
    assert list(glob_items(storage, EMPTY_TREE, compile_glob("/"))) == []


@pytest.mark.parametrize(
    ("text", "came", "gone"),
    [
        ("/", ["/"], ["/"]),
        ("/*", ["/a", "/b.png", "/b", "/n"], ["/b.png", "/b", "/z"]),
        ("/*/*", ["/b/c", "/n/x"], ["/b/c", "/z/1"]),
        ("/**", ["/a", "/b.png", "/b/c", "/n/x"], ["/b.png", "/b/c", "/z/1/2/3"]),
        ("/b/*", ["/b/c"], ["/b/c"]),
        ("/{b,b/c}", ["/b", "/b/c"], ["/b", "/b/c"]),
        ("/b", ["/b"], ["/b"]),
        ("/z", [], ["/z"]),
        ("/b-x", [], []),
    ],
)
def test_a_glob_selects_what_differs(
    storage: Storage, put: Put, text: str, came: list[str], gone: list[str]
) -> None:
    old = {path: data for path, data in CONTENT.items() if path != "/a"}
    new = {**CONTENT, "/b/c": b"new", "/b.png": b"new", "/n/x": b""}
    del new["/z/1/2/3"]
    before, after, glob = put(old), put(new), compile_glob(text)

    assert [item.path for item in glob_changed(storage, after, before, glob)] == came
    assert [item.path for item in glob_changed(storage, before, after, glob)] == gone


def test_a_file_that_becomes_a_folder_differs_as_both(storage: Storage, put: Put) -> None:
    before, after, glob = put({"/a": b"", "/b": b""}), put({"/a/x": b"", "/b": b""}), "/*"

    def found(tree: TreeRef, other: TreeRef) -> list[tuple[str, bool]]:
        items = glob_changed(storage, tree, other, compile_glob(glob))
        return [(item.path, item.is_dir) for item in items]

    assert found(after, before) == [("/a", True)]
    assert found(before, after) == [("/a", False)]


@pytest.mark.parametrize("text", ["/", "/*", "/*/*", "/**", "/b*", "/{b,b/d,b/d/e}"])
def test_what_differs_is_what_the_other_tree_does_not_select_just_so(
    storage: Storage, put: Put, text: str
) -> None:
    before, glob = put(CONTENT), compile_glob(text)
    for path in CONTENT:
        for changed in ({**CONTENT, path: b"new"}, {**CONTENT, path + "-new": b""}):
            after = put(changed)
            there = {(item.path, item.digest) for item in glob_items(storage, before, glob)}
            every = glob_items(storage, after, glob)

            assert [item for item in every if (item.path, item.digest) not in there] == list(
                glob_changed(storage, after, before, glob)
            )


@pytest.mark.parametrize("text", ["/", "/*", "/*/*", "/**", "/b*", "/{b,b/d,b/d/e}", "/b"])
@pytest.mark.parametrize("stems", [[""], ["/"], ["/a", "/b"], ["/b-", "/b/d"], ["/b/d/e", "/z/1/"]])
def test_what_lies_under_stems_is_what_begins_so(
    storage: Storage, put: Put, text: str, stems: list[str]
) -> None:
    tree, glob = put(CONTENT), compile_glob(text)
    every = glob_items(storage, tree, glob)

    found = list(glob_under(storage, tree, glob, stems))

    assert found == [item for item in every if item.path.startswith(tuple(stems))]

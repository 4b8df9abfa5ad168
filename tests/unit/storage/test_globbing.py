from collections.abc import Callable

import pytest

from pfs_provider.refs.globs import compile_glob
from pfs_provider.storage.globbing import glob_items
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

"""Strategies for trees: files at paths that never clash, and the edits that make one of another.

Must not know: stores.
"""

from collections.abc import Mapping

from hypothesis import strategies as st

from pfs_provider.storage.digests import digest_bytes
from pfs_provider.storage.values import Empty, Entry, InPack, Place

__all__ = ["edits", "entries", "file_paths", "files", "make_entry", "without"]

# Elements that sort around "/" in every way: before it, after it, beyond ASCII, and long.
_ELEMENTS = ["a", "a-b", "a.b", "a0", "b", " ", "é", "\U0001f600", "\n", "x" * 40]
_FOLDERS = ["/d", "/d/e", "/d/e-f", "/é", "/z/y/x", ""]


def make_entry(text: str, *, executable: bool = False, datum: bytes | None = None) -> Entry:
    """Return an entry as a file of that content would have, in a pack that does not exist."""
    data = text.encode()
    place: Place = Empty()
    if data:
        place = InPack(
            pack=digest_bytes(b"pack" + data),
            offset=5,
            stored_size=len(data),
            inner_offset=0,
            compressed=False,
        )
    return Entry(
        digest=digest_bytes(data), size=len(data), place=place, datum=datum, executable=executable
    )


def file_paths() -> st.SearchStrategy[str]:
    """Return file paths; none is a folder of another: files end in ``.f``, folders never do."""
    numbered = st.integers(0, 400).map(lambda number: f"n{number:03d}")
    names = st.one_of(numbered, st.sampled_from(_ELEMENTS))
    return st.builds(lambda folder, name: f"{folder}/{name}.f", st.sampled_from(_FOLDERS), names)


def entries() -> st.SearchStrategy[Entry]:
    """Return entries of a few contents, so that equal ones meet."""
    return st.builds(
        make_entry,
        st.integers(0, 5).map(lambda number: "x" * number),
        executable=st.booleans(),
        datum=st.sampled_from([None, b"d" * 16, b"e" * 16]),
    )


def files(max_size: int = 120) -> st.SearchStrategy[dict[str, Entry]]:
    """Return the files of a tree."""
    return st.dictionaries(file_paths(), entries(), max_size=max_size)


def edits() -> st.SearchStrategy[tuple[tuple[str, ...], dict[str, Entry]]]:
    """Return deletes (of files, of folders, of nothing) and the puts that follow them."""
    folders = st.sampled_from([*(folder for folder in _FOLDERS if folder), "/nothing"])
    deletes = st.lists(st.one_of(file_paths(), folders), max_size=4).map(tuple)
    return st.tuples(deletes, files(max_size=30))


def without(files: Mapping[str, Entry], deletes: tuple[str, ...]) -> dict[str, Entry]:
    """Return the files that the deletes leave: the model of what a tree does."""
    return {
        path: entry
        for path, entry in files.items()
        if not any(path == gone or path.startswith(gone.rstrip("/") + "/") for gone in deletes)
    }

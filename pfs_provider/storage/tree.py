"""Reading a tree: one file by its path, many by their paths, all in path order.

Invariants: ordered streams; at most a few pages are in memory at once, whatever the tree's size.
Must not know: how trees are changed, directories (listing.py), globs.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pfs_provider.errors import CorruptDataError, ErrorCode
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.pages import Index, PageRef, read_page
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.values import Entry, TreeRef

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = [
    "PathFinder",
    "find_entries",
    "find_entry",
    "find_leaf",
    "iter_rows",
    "iter_run",
    "prefix_range",
    "read_leaf",
    "root_ref",
]

_READ_AHEAD = 8
"""Leaves fetched before they are asked for, where the store is far away."""


def root_ref(tree: TreeRef) -> PageRef | None:
    """Return the root page of a tree, None for the empty tree, which has no page."""
    if tree.n_files == 0:
        return None
    return PageRef(b"", tree.logical, tree.physical, tree.n_files, tree.size)


def prefix_range(prefix: str) -> tuple[bytes, bytes | None]:
    """Return the range of raw paths of all files below a directory, and of no others."""
    stem = prefix.rstrip("/").encode()
    if not stem:
        return b"", None
    return stem + b"/", stem + b"0"  # "0" follows "/"


def find_entry(storage: Storage, tree: TreeRef, path: str) -> Entry | None:
    """Return the file at a path, None if there is no file (a directory is none).

    Raises:
        CorruptDataError: ``page-corrupt``.
    """
    return find_entries(storage, tree, [path])[0]


def find_entries(storage: Storage, tree: TreeRef, paths: Sequence[str]) -> list[Entry | None]:
    """Return the files at the paths, in their order; each page is read once if they are sorted.

    Raises:
        CorruptDataError: ``page-corrupt``.
    """
    root = root_ref(tree)
    if root is None:
        return [None] * len(paths)
    found: list[Entry | None] = []
    leaf: Rows | None = None
    for path in paths:
        key = path.encode()
        if leaf is None or not leaf.paths[0] <= key <= leaf.paths[-1]:
            leaf = find_leaf(storage, root, key)
        found.append(leaf.find(key))
    return found


def find_leaf(storage: Storage, root: PageRef, key: bytes) -> Rows:
    """Return the first leaf that holds a path not below the key, else the last leaf."""
    page = read_page(storage, root.physical)
    while isinstance(page, Index):
        at = min(bisect_left(page.lasts, key), len(page.children) - 1)
        page = read_page(storage, page.children[at].physical)
    return page


def iter_rows(
    storage: Storage, tree: TreeRef, *, prefix: str = "/", start: str | None = None
) -> Iterator[Rows]:
    """Yield the files below a directory as rows in path order, page by page, never empty.

    Args:
        storage: Where the tree lies.
        tree: The tree.
        prefix: A directory; a file of that name is not below it.
        start: Leave out paths before this one.

    Raises:
        CorruptDataError: ``page-corrupt``. What was yielded before is good.
    """
    first, stop = prefix_range(prefix)
    if start is not None:
        first = max(first, start.encode())
    yield from iter_run(storage, tree, first, stop)


def iter_run(storage: Storage, tree: TreeRef, first: bytes, stop: bytes | None) -> Iterator[Rows]:
    """Yield the rows with ``first <= path < stop``, page by page, never empty."""
    root = root_ref(tree)
    if root is None:
        return
    for rows in _iter_pages(storage, root, first, stop):
        low = bisect_left(rows.paths, first)
        high = len(rows) if stop is None else bisect_left(rows.paths, stop)
        if low < high:
            yield rows.cut(low, high)


def _iter_pages(
    storage: Storage, root: PageRef, first: bytes, stop: bytes | None
) -> Iterator[Rows]:
    refs = _iter_leaf_refs(storage, root, first, stop)
    if storage.is_near:
        for ref in refs:
            yield read_leaf(storage, ref.physical)
        return
    ahead: deque[Future[Rows]] = deque()
    for ref in refs:
        ahead.append(storage.pool.submit(read_leaf, storage, ref.physical))
        if len(ahead) > _READ_AHEAD:
            yield ahead.popleft().result()
    while ahead:
        yield ahead.popleft().result()


def _iter_leaf_refs(
    storage: Storage, ref: PageRef, first: bytes, stop: bytes | None
) -> Iterator[PageRef]:
    page = read_page(storage, ref.physical)
    if not isinstance(page, Index):
        yield ref
        return
    for at in range(bisect_left(page.lasts, first), len(page.children)):
        if stop is not None and at > 0 and page.lasts[at - 1] >= stop:
            return
        child = page.children[at]
        if page.level == 1:
            yield child
        else:
            yield from _iter_leaf_refs(storage, child, first, stop)


def read_leaf(storage: Storage, physical: bytes) -> Rows:
    """Return a leaf page. Raises CorruptDataError ``page-corrupt``."""
    page = read_page(storage, physical)
    if isinstance(page, Index):
        raise CorruptDataError(
            ErrorCode.PAGE_CORRUPT,
            f"tree page {physical.hex()} is an index where a leaf is wanted",
            page=physical.hex(),
        )
    return page


class PathFinder:
    """Finds files of one tree by raw path; cheap for paths that come nearly in order."""

    def __init__(self, storage: Storage, tree: TreeRef) -> None:
        self._storage = storage
        self._root = root_ref(tree)
        self._leaf: Rows | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the tree has no file."""
        return self._root is None

    def find(self, path: bytes) -> Entry | None:
        """Return the file at a path, None if there is none."""
        leaf = self._leaf_for(path)
        return None if leaf is None else leaf.find(path)

    def find_equal(self, path: bytes, digest: bytes) -> Rows | None:
        """Return the row of the file at a path if it has that digest, else None."""
        leaf = self._leaf_for(path)
        if leaf is None:
            return None
        row = bisect_left(leaf.paths, path)
        if row == len(leaf) or leaf.paths[row] != path:
            return None
        return leaf.cut(row, row + 1) if leaf.digests[32 * row : 32 * row + 32] == digest else None

    def _leaf_for(self, path: bytes) -> Rows | None:
        """Return the leaf that holds the path if any does; None if the tree is empty."""
        if self._root is None:
            return None
        leaf = self._leaf
        if leaf is None or not leaf.paths[0] <= path <= leaf.paths[-1]:
            leaf = self._leaf = find_leaf(self._storage, self._root, path)
        return leaf

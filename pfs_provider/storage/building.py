"""Building trees: from rows, or from another tree with ranges removed and rows put.

Invariants: the result is that of building the same files from scratch; no path is both a file and a
directory. Objects are written children first (docs/internals/ordering.md), the root last.
Must not know: commits, branches.
"""

from bisect import bisect_left
from collections.abc import Sequence

from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.storage.edits import IndexEdits, LeafEdits, LevelChange, Ranges, edit_level
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.pages import Index, PageRef, cut_index, put_index, read_page
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.tree import find_leaf, root_ref
from pfs_provider.storage.values import EMPTY_TREE, TreeRef

__all__ = ["apply_ranges", "build_tree", "delete_ranges"]


def build_tree(storage: Storage, rows: Rows) -> TreeRef:
    """Return a tree of just these rows. Raises ConflictError ``path-conflict``."""
    return apply_ranges(storage, EMPTY_TREE, ranges=(), rows=rows)


def apply_ranges(storage: Storage, base: TreeRef, *, ranges: Ranges, rows: Rows) -> TreeRef:
    """Return the base without half-open ranges of raw paths and then with the rows put.

    Args:
        storage: Where the trees lie.
        base: The tree to start from.
        ranges: Ascending and disjoint.
        rows: Files that come or replace one of the same path.

    Raises:
        ConflictError: ``path-conflict``; CorruptDataError: ``page-corrupt``.
    """
    if any(low == b"" for low, _ in ranges):
        base, ranges = EMPTY_TREE, []
    _check_batch(rows.paths)
    root = root_ref(base)
    if root is not None and (ranges or len(rows)):
        change = edit_level(storage, root, 0, LeafEdits(ranges, rows))
        result = _raise_change(storage, root, change)
        _check_result(storage, result, rows.paths)
    elif root is None and len(rows):
        result = _stack(storage, 1, edit_level(storage, None, 0, LeafEdits([], rows)).added)
    else:
        result = base
    return result


def delete_ranges(deletes: Sequence[str]) -> Ranges:
    """Return the ranges of raw paths that the deletes remove, ascending and disjoint."""
    ranges: list[tuple[bytes, bytes]] = []
    for path in deletes:
        raw = path.rstrip("/").encode()
        if not raw:
            return [(b"", b"\xff")]
        ranges += [(raw, raw + b"\0"), (raw + b"/", raw + b"0")]
    disjoint: list[tuple[bytes, bytes]] = []
    for low, high in sorted(ranges):
        if disjoint and low < disjoint[-1][1]:
            disjoint[-1] = (disjoint[-1][0], max(high, disjoint[-1][1]))
        else:
            disjoint.append((low, high))
    return disjoint


def _raise_change(storage: Storage, root: PageRef, change: LevelChange) -> TreeRef:
    """Carry a change of the leaves up to the root, level by level."""
    page = read_page(storage, root.physical)
    height = page.level if isinstance(page, Index) else 0
    for level in range(1, height + 1):
        change = edit_level(storage, root, level, IndexEdits(level, change))
    return _stack(storage, height + 1, change.added)


def _stack(storage: Storage, level: int, pages: list[PageRef]) -> TreeRef:
    """Return the tree whose pages at the level below are these: levels until there is one page."""
    while len(pages) > 1:
        ends = cut_index(level, [ref.last for ref in pages], is_end=True)
        starts = [0, *ends]
        pages = [put_index(storage, level, pages[a:b]) for a, b in zip(starts, ends, strict=False)]
        level += 1
    if not pages:
        return EMPTY_TREE
    root = pages[0]
    page = read_page(storage, root.physical)
    while isinstance(page, Index) and len(page.children) == 1:  # a tree that shrank
        root = page.children[0]
        page = read_page(storage, root.physical)
    return TreeRef(
        logical=root.logical, physical=root.physical, n_files=root.n_files, size=root.size
    )


def _parents(paths: Sequence[bytes]) -> list[bytes]:
    """Return all directories above the paths, sorted, without the root."""
    found = {path[: path.rfind(b"/")] for path in paths}
    todo = list(found)
    while todo:
        parent = todo.pop().rpartition(b"/")[0]
        if parent and parent not in found:
            found.add(parent)
            todo.append(parent)
    found.discard(b"")
    return sorted(found)


def _check_batch(paths: list[bytes]) -> None:
    """Refuse rows of which one is a directory above another."""
    for folder in _parents(paths):
        row = bisect_left(paths, folder)
        if row < len(paths) and paths[row] == folder:
            below = paths[bisect_left(paths, folder + b"/")]
            raise _conflict(folder, below)


def _check_result(storage: Storage, tree: TreeRef, paths: list[bytes]) -> None:
    """Refuse rows that made a file of a directory of the tree, or the other way round."""
    root = root_ref(tree)
    if root is None:
        return
    finder = _Finder(storage, root)
    for folder in _parents(paths):
        if finder.first_from(folder) == folder:
            raise _conflict(folder, finder.first_from(folder + b"/"))
    for path in paths:
        below = finder.first_from(path + b"/")
        if below.startswith(path + b"/"):
            raise _conflict(path, below)


class _Finder:
    """Finds the first path not below a key; cheap for keys that come nearly in order."""

    def __init__(self, storage: Storage, root: PageRef) -> None:
        self._storage = storage
        self._root = root
        self._leaf = find_leaf(storage, root, b"")

    def first_from(self, key: bytes) -> bytes:
        """Return the path, ``b""`` if there is none."""
        paths = self._leaf.paths
        if not paths[0] < key <= paths[-1]:
            self._leaf = find_leaf(self._storage, self._root, key)
            paths = self._leaf.paths
        row = bisect_left(paths, key)
        return paths[row] if row < len(paths) else b""


def _conflict(file: bytes, below: bytes) -> ConflictError:
    path, other = file.decode(), below.decode()
    return ConflictError(
        ErrorCode.PATH_CONFLICT,
        f"{path} would be both a file and the directory of {other}: delete one of them first",
        path=path,
        other=other,
    )

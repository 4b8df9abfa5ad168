"""A tree with changes done: deletes first, then puts; cost by the change.

Invariant: the result is that of building the same files from scratch; no path is both a file and a
directory. Must not know: commits, branches.
"""

from collections.abc import Sequence

from pfs_provider.storage.building import apply_ranges, delete_ranges
from pfs_provider.storage.deltas import load_rows, read_stored
from pfs_provider.storage.edits import subtract_ranges
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import EMPTY_ROWS, Rows, merge_rows
from pfs_provider.storage.values import EMPTY_TREE, TreeRef

__all__ = ["apply_changes", "apply_deltas"]


def apply_changes(
    storage: Storage, base: TreeRef, *, deletes: Sequence[str], rows: Rows
) -> TreeRef:
    """Return the base with the deletes done and then the rows put.

    Idempotent: equal input gives the same tree and the same objects.

    Args:
        storage: Where the trees lie.
        base: The tree to start from; it stays as it is.
        deletes: Paths; each removes the file there and all below it. ``/`` removes everything.
        rows: Files that come or replace one of the same path.

    Raises:
        ConflictError: ``path-conflict``: a path would be both a file and a directory; both are
            named. Pages stored so far are unreachable.
        CorruptDataError: ``page-corrupt``: a page of the base.
    """
    return apply_ranges(storage, base, ranges=delete_ranges(deletes), rows=rows)


def apply_deltas(storage: Storage, base: TreeRef, names: Sequence[str]) -> TreeRef:
    """Return the base with the deltas done one after the other; see `apply_changes`.

    Raises:
        ConflictError: ``path-conflict``; CorruptDataError: ``record-corrupt``, ``page-corrupt``.
    """
    stored = [read_stored(storage, name) for name in names]
    if len(stored) == 1 and base == EMPTY_TREE and isinstance(stored[0].puts, TreeRef):
        return stored[0].puts  # built when the delta was written
    deletes: list[str] = []
    parts: list[Rows] = []
    for delta in stored:
        if delta.deletes:
            deletes += delta.deletes
            parts = [_without(merge_rows(parts), delta.deletes)]
        parts.append(load_rows(storage, delta.puts))
    return apply_changes(storage, base, deletes=deletes, rows=merge_rows(parts))


def _without(rows: Rows, deletes: Sequence[str]) -> Rows:
    ranges = delete_ranges(deletes)
    return subtract_ranges(rows, ranges) if len(rows) else EMPTY_ROWS

"""TreeEdits: files that come to a tree and files that go from it, gathered in any order.

They are sorted on disk and done in path order, range by range, so that memory stays the same
whatever their number.

Invariant: the tree that comes out is the one that all of them at once would give: what goes is done
first; a path that goes and comes is replaced. Must not know: datums, commits.
"""

from collections.abc import Callable, Iterator
from itertools import groupby, islice
from operator import itemgetter

from pfs_provider.closing import Closing
from pfs_provider.sorting import ROOM_BYTES, Sorter
from pfs_provider.storage.building import apply_ranges
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import EMPTY_ROWS, Rows
from pfs_provider.storage.tree import find_entries
from pfs_provider.storage.values import EMPTY_TREE, Entry, TreeRef

__all__ = ["Clash", "TreeEdits"]

Clash = Callable[[str, Entry, Entry], Exception]
"""Gives the error for a path that two files want."""

AT_ONCE = 32_768
"""Paths done together: some tens of leaves, so that those at the borders of two ranges, which are
written twice, are few; some 20 MiB in memory."""

_GOES = b""
"""Stands for a file that goes; one that comes has cells."""

_KEY = itemgetter(0)


class TreeEdits(Closing):
    """Files to put into a tree and to take out of it. One thread fills it; then it is applied.

    Args:
        room: Bytes that may wait in memory.
        at_once: Paths that are done together.
    """

    def __init__(self, *, room: int = ROOM_BYTES, at_once: int = AT_ONCE) -> None:
        self._sorter = Sorter(room=room)
        self._at_once = at_once
        self._n_deletes = 0

    def put(self, rows: Rows) -> None:
        """Have files come. Where a path comes twice, one of the two counts."""
        for path, cells in zip(rows.paths, rows.cells(), strict=True):
            self._sorter.add(path, cells)

    def delete(self, path: bytes) -> None:
        """Have the file at a raw path go; a folder stays."""
        self._sorter.add(path, _GOES)
        self._n_deletes += 1

    def apply(self, storage: Storage, base: TreeRef, *, clash: Clash | None = None) -> TreeRef:
        """Return the base with all of it done. Idempotent; may be called for any number of bases.

        Args:
            storage: Where the trees lie.
            base: The tree to start from; it stays as it is.
            clash: If given, no path may be wanted by two files, of those that come and those of the
                base that stay; its error is raised then.

        Raises:
            ConflictError: ``path-conflict``: a path would be both a file and a directory. Pages
                stored so far are unreachable.
            CorruptDataError: ``page-corrupt``: a page of the base.
        """
        tree = base
        gone = self._gone() if self._n_deletes and base != EMPTY_TREE else iter(())
        while ranges := list(islice(gone, self._at_once)):
            tree = apply_ranges(storage, tree, ranges=ranges, rows=EMPTY_ROWS)
        new = self._new(clash)
        while batch := list(islice(new, self._at_once)):
            rows = Rows.from_cells([path for path, _, _ in batch], [cells for _, cells, _ in batch])
            if clash is not None:
                fresh = [row for row, (_, _, replaces) in enumerate(batch) if not replaces]
                _check_free(storage, tree, rows, fresh, clash)
            tree = apply_ranges(storage, tree, ranges=(), rows=rows)
        return tree

    def close(self) -> None:
        """Forget all. Idempotent."""
        self._sorter.close()

    def _groups(self) -> Iterator[tuple[bytes, list[bytes]]]:
        for path, pairs in groupby(self._sorter, _KEY):
            yield path, [cells for _, cells in pairs]

    def _gone(self) -> Iterator[tuple[bytes, bytes]]:
        return ((path, path + b"\0") for path, found in self._groups() if not any(found))

    def _new(self, clash: Clash | None) -> Iterator[tuple[bytes, bytes, bool]]:
        """Yield path and cells of what comes, and whether it replaces what goes."""
        for path, found in self._groups():
            cells = found[0] if len(found) == 1 else max(found)
            if not cells:
                continue
            comes = [each for each in found if each]
            if clash is not None and len(comes) > 1:
                first, second = (Rows.from_cells([path], [each]).entry(0) for each in comes[:2])
                raise clash(path.decode(), first, second)
            yield path, cells, len(comes) < len(found)


def _check_free(storage: Storage, tree: TreeRef, rows: Rows, new: list[int], clash: Clash) -> None:
    """Raise if the tree holds the path of one of those rows."""
    if tree == EMPTY_TREE:
        return
    found = find_entries(storage, tree, [rows.paths[row].decode() for row in new])
    for row, there in zip(new, found, strict=True):
        if there is not None:
            raise clash(rows.paths[row].decode(), there, rows.entry(row))

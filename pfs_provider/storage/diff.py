"""What differs between two trees, in path order; only pages that differ are read.

Invariant: pages of equal identity are skipped unread, at whatever level they show, so cost follows
the difference. Must not know: merging.
"""

from collections.abc import Iterator

from pfs_provider.storage.handle import Storage
from pfs_provider.storage.pages import Index, PageRef, read_page
from pfs_provider.storage.rows import EMPTY_ROWS, EXECUTABLE
from pfs_provider.storage.tree import root_ref
from pfs_provider.storage.values import Change, Entry, TreeRef

__all__ = ["diff_trees"]


def diff_trees(storage: Storage, new: TreeRef, old: TreeRef) -> Iterator[Change]:
    """Yield every path whose content or executable bit differs, in path order.

    Where files lie, their times and which datum made them are not compared.

    Raises:
        CorruptDataError: ``page-corrupt``. What was yielded before is good.
    """
    if new.logical == old.logical:
        return
    ours, theirs = _Cursor(storage, root_ref(new)), _Cursor(storage, root_ref(old))
    while True:
        _skip_equal(ours, theirs)
        left, right = ours.path, theirs.path
        if left is not None and left == right:
            if ours.content == theirs.content:
                ours.step()
                theirs.step()
            else:
                yield Change(path=left.decode(), old=theirs.take(), new=ours.take())
        elif left is not None and (right is None or left < right):
            yield Change(path=left.decode(), old=None, new=ours.take())
        elif right is not None:
            yield Change(path=right.decode(), old=theirs.take(), new=None)
        else:
            return


def _skip_equal(ours: "_Cursor", theirs: "_Cursor") -> None:
    """Bring both to a row, behind all whole pages that they have in common."""
    while True:
        left, right = ours.page, theirs.page
        if left is not None and right is not None and left.logical == right.logical:
            ours.skip()
            theirs.skip()
        elif ours.is_closed and (not theirs.is_closed or _comes_first(ours, theirs)):
            ours.open()
        elif theirs.is_closed:
            theirs.open()
        else:
            return


def _comes_first(ours: "_Cursor", theirs: "_Cursor") -> bool:
    """Return which page to open: the one whose paths begin earlier, else the larger one."""
    if ours.floor != theirs.floor:
        return ours.floor < theirs.floor
    return ours.n_files >= theirs.n_files


class _Cursor:
    """A place in a tree: in front of a closed page, in front of a row, or behind the end."""

    def __init__(self, storage: Storage, root: PageRef | None) -> None:
        self._storage = storage
        self._todo: list[PageRef] = [] if root is None else [root]  # the next page is the last
        self._leaf: PageRef | None = None
        self._rows = EMPTY_ROWS
        self._row = 0
        self.floor = b""  # all paths still to come are above

    @property
    def is_closed(self) -> bool:
        """Whether the next thing is a page that was not read."""
        return self._row == len(self._rows) and bool(self._todo)

    @property
    def page(self) -> PageRef | None:
        """The page that begins here, closed or read; None inside a leaf and at the end."""
        if self.is_closed:
            return self._todo[-1]
        return self._leaf if self._row == 0 and len(self._rows) else None

    @property
    def n_files(self) -> int:
        """Files of the closed page."""
        return self._todo[-1].n_files

    @property
    def path(self) -> bytes | None:
        """The next row's path, None at the end."""
        return self._rows.paths[self._row] if self._row < len(self._rows) else None

    def skip(self) -> None:
        """Go behind the page that begins here."""
        if self.is_closed:
            self.floor = self._todo.pop().last
        else:
            self.floor = self._rows.paths[-1]
            self._row = len(self._rows)

    def open(self) -> None:
        """Read the closed page."""
        ref = self._todo.pop()
        page = read_page(self._storage, ref.physical)
        if isinstance(page, Index):
            self._todo += reversed(page.children)
        else:
            self._leaf, self._rows, self._row = ref, page, 0

    @property
    def content(self) -> tuple[bytes, int]:
        """What makes the next row's file another one to a reader."""
        row = self._row
        return self._rows.digests[32 * row : 32 * row + 32], self._rows.flags[row] & EXECUTABLE

    def step(self) -> None:
        """Go behind the next row."""
        self.floor = self._rows.paths[self._row]
        self._row += 1

    def take(self) -> Entry:
        """Return the next row's file and go behind it."""
        entry = self._rows.entry(self._row)
        self.step()
        return entry

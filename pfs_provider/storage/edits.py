"""Changing one level of a tree: reads the pages that edits touch, cuts them anew, stores them.

Invariant: the pages that come out are those of a tree built from scratch, since cutting begins at a
page's start and goes on until an old page's end is an end again.
Must not know: paths that conflict, deltas.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pfs_provider.storage.handle import Storage
from pfs_provider.storage.pages import (
    Index,
    PageRef,
    cut_index,
    cut_leaves,
    put_index,
    put_leaf,
    read_page,
)
from pfs_provider.storage.rows import EMPTY_ROWS, Rows, join_rows, merge_rows
from pfs_provider.storage.tree import read_leaf

__all__ = ["IndexEdits", "LeafEdits", "LevelChange", "Ranges", "edit_level", "subtract_ranges"]

Ranges = Sequence[tuple[bytes, bytes]]
"""Half-open ranges of raw paths, ascending and disjoint."""

T = TypeVar("T")

_PUT_AT_ONCE = 32
"""Pages cut before they are handed to the pool together; bounds what waits in memory."""


@dataclass(frozen=True, slots=True)
class LevelChange:
    """What became of a level: the last paths of the pages that went, and the pages that came."""

    removed: list[bytes]
    added: list[PageRef]


class Edits(Protocol[T]):
    """Edits of the items of one level (rows, or children), in path order."""

    nothing: T

    def next_key(self, floor: bytes | None) -> bytes | None:
        """Return the first path above the floor that an edit touches."""

    def patch(self, storage: Storage, span: "Span") -> T:
        """Return the items of a span with the edits inside it done."""

    def join(self, left: T, right: T) -> T:
        """Return both, one after the other."""

    def cut(self, items: T, *, is_end: bool) -> tuple[list[T], T]:
        """Return whole pages, and what is left over for the page that follows."""

    def put(self, storage: Storage, items: T) -> PageRef:
        """Store items as one page."""


@dataclass(frozen=True, slots=True)
class Span:
    """The paths above ``floor`` up to a page's last, or all above where it is the last page."""

    page: PageRef | None
    floor: bytes | None
    top: bytes | None


def edit_level(storage: Storage, root: PageRef | None, level: int, edits: Edits[T]) -> LevelChange:
    """Do the edits of one level (0: the leaves) and return how its pages changed.

    Raises:
        CorruptDataError: ``page-corrupt``. Pages stored so far are unreachable.
    """
    removed: list[bytes] = []
    added: list[PageRef] = []
    ready: list[T] = []
    carry, floor, has_carry = edits.nothing, None, False
    while True:
        key = (floor or b"") + b"\0" if has_carry else edits.next_key(floor)
        if key is None:
            break
        span = _find_span(storage, root, level, key)
        items = edits.join(carry, edits.patch(storage, span))
        pages, carry = edits.cut(items, is_end=span.top is None)
        ready += pages
        if span.page is not None:
            removed.append(span.page.last)
        if len(ready) >= _PUT_AT_ONCE:
            added += _put_all(storage, edits, ready)
            ready = []
        if span.top is None:
            break
        floor, has_carry = span.top, bool(carry)
    added += _put_all(storage, edits, ready)
    return LevelChange(removed, added)


def _put_all(storage: Storage, edits: Edits[T], ready: list[T]) -> list[PageRef]:
    if len(ready) < 4:  # noqa: PLR2004  # waking threads takes longer
        return [edits.put(storage, items) for items in ready]
    return list(storage.pool.map(lambda items: edits.put(storage, items), ready))


def _find_span(storage: Storage, root: PageRef | None, level: int, key: bytes) -> Span:
    if root is None:
        return Span(None, None, None)
    ref, floor, is_last = root, None, True
    while True:
        page = read_page(storage, ref.physical)
        if (page.level if isinstance(page, Index) else 0) == level:
            break
        assert isinstance(page, Index)  # noqa: S101  # levels fall by one on the way down
        at = min(bisect_left(page.lasts, key), len(page.children) - 1)
        is_last = is_last and at == len(page.children) - 1
        floor = page.lasts[at - 1] if at else floor
        ref = page.children[at]
    if not ref.last:  # the root's own name does not tell its last path
        last = page.lasts[-1] if isinstance(page, Index) else page.paths[-1]
        ref = PageRef(last, ref.logical, ref.physical, ref.n_files, ref.size)
    return Span(ref, floor, None if is_last else ref.last)


class LeafEdits:
    """Edits of rows: ranges go first, then rows come."""

    nothing = EMPTY_ROWS

    def __init__(self, ranges: Ranges, puts: Rows) -> None:
        self._ranges = ranges
        self._stops = [stop for _, stop in ranges]
        self._puts = puts

    def next_key(self, floor: bytes | None) -> bytes | None:
        """Return the first path above the floor that an edit touches."""
        low = b"" if floor is None else floor + b"\0"
        keys = []
        at = bisect_right(self._stops, low)
        if at < len(self._ranges):
            keys.append(max(low, self._ranges[at][0]))
        row = bisect_left(self._puts.paths, low)
        if row < len(self._puts):
            keys.append(self._puts.paths[row])
        return min(keys, default=None)

    def patch(self, storage: Storage, span: Span) -> Rows:
        """Return the rows of a span with the edits inside it done."""
        low = b"" if span.floor is None else span.floor + b"\0"
        high = None if span.top is None else span.top + b"\0"
        paths = self._puts.paths
        end = len(paths) if high is None else bisect_left(paths, high)
        puts = self._puts.cut(bisect_left(paths, low), end)
        at = bisect_right(self._stops, low)
        if span.page is None:
            return puts
        inside = self._ranges[at:]
        if inside and inside[0][0] <= low and span.page.last < inside[0][1]:
            return puts  # all of the page goes: it need not be read
        rows = read_leaf(storage, span.page.physical)
        return merge_rows([subtract_ranges(rows, inside), puts])

    def join(self, left: Rows, right: Rows) -> Rows:
        """Return both, one after the other."""
        return join_rows([left, right])

    def cut(self, items: Rows, *, is_end: bool) -> tuple[list[Rows], Rows]:
        """Return whole leaves, and the rows left over."""
        ends = cut_leaves(items.paths, is_end=is_end)
        starts = [0, *ends]
        pages = [items.cut(a, b) for a, b in zip(starts, ends, strict=False)]
        return pages, items.cut(starts[-1], len(items))

    def put(self, storage: Storage, items: Rows) -> PageRef:
        """Store rows as one leaf."""
        return put_leaf(storage, items)


class IndexEdits:
    """Edits of the children of a level's index pages."""

    nothing: list[PageRef] = []  # noqa: RUF012  # never changed: join makes new lists

    def __init__(self, level: int, change: LevelChange) -> None:
        self._level = level
        self._removed = set(change.removed)
        self._added = change.added
        self._lasts = [ref.last for ref in change.added]
        self._keys = sorted(self._removed.union(self._lasts))

    def next_key(self, floor: bytes | None) -> bytes | None:
        """Return the first path above the floor that an edit touches."""
        at = 0 if floor is None else bisect_right(self._keys, floor)
        return self._keys[at] if at < len(self._keys) else None

    def patch(self, storage: Storage, span: Span) -> list[PageRef]:
        """Return the children of a span with the edits inside it done."""
        low = 0 if span.floor is None else bisect_right(self._lasts, span.floor)
        high = len(self._lasts) if span.top is None else bisect_right(self._lasts, span.top)
        added = self._added[low:high]
        if span.page is None:
            return added
        page = read_page(storage, span.page.physical)
        assert isinstance(page, Index)  # noqa: S101  # _find_span stops at this level
        kept = [ref for ref in page.children if ref.last not in self._removed]
        return sorted([*kept, *added], key=lambda ref: ref.last)

    def join(self, left: list[PageRef], right: list[PageRef]) -> list[PageRef]:
        """Return both, one after the other."""
        return left + right

    def cut(
        self, items: list[PageRef], *, is_end: bool
    ) -> tuple[list[list[PageRef]], list[PageRef]]:
        """Return whole index pages, and the children left over."""
        ends = cut_index(self._level, [ref.last for ref in items], is_end=is_end)
        starts = [0, *ends]
        pages = [items[a:b] for a, b in zip(starts, ends, strict=False)]
        return pages, items[starts[-1] :]

    def put(self, storage: Storage, items: list[PageRef]) -> PageRef:
        """Store children as one index page."""
        return put_index(storage, self._level, items)


def subtract_ranges(rows: Rows, ranges: Ranges) -> Rows:
    """Return the rows that lie in none of the ranges."""
    pieces: list[Rows] = []
    row = 0
    for low, high in ranges:
        if not rows.paths or low > rows.paths[-1]:
            break
        start = bisect_left(rows.paths, low, row)
        pieces.append(rows.cut(row, start))
        row = bisect_left(rows.paths, high, start)
    pieces.append(rows.cut(row, len(rows)))
    return join_rows(pieces)

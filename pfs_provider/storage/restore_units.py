"""Cuts rows into runs that each need one piece of one pack.

Invariant: every packed row is in one run, in the pack's order; large files are listed apart.
Must not know: local files, processes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pfs_provider.storage.formats import unpack_u32
from pfs_provider.storage.rows import CHUNKED_PLACE, EMPTY_PLACE, PLACE_MASK, Rows

__all__ = ["PackRun", "chunked_rows", "cut_runs"]

_MAX_GAP = 128 << 10
"""Bytes. What lies between two wanted pieces is read along up to here: a seek costs as much."""

_MAX_RUN = 8 << 20
"""Bytes read at once."""


@dataclass(frozen=True, slots=True)
class PackRun:
    """Files that lie in ``start <= i < stop`` of a pack; empty files come with no pack at all."""

    pack: bytes
    start: int
    stop: int
    names: list[bytes]
    cells: tuple[bytes, bytes, bytes, bytes]  # digests, sizes, flags, spots


def chunked_rows(rows: Rows) -> list[int]:
    """Return the numbers of the rows that are large files."""
    places = rows.flags.translate(_PLACES)
    found: list[int] = []
    at = places.find(CHUNKED_PLACE)
    while at >= 0:
        found.append(at)
        at = places.find(CHUNKED_PLACE, at + 1)
    return found


def cut_runs(rows: Rows, stem: int) -> Iterator[PackRun]:
    """Yield the runs of the rows; ``stem`` bytes are cut off the paths to make names."""
    places = rows.flags.translate(_PLACES)
    groups: dict[bytes, list[int]] = {}
    if CHUNKED_PLACE not in places and rows.packs == rows.packs[:32] * len(rows):
        groups[rows.packs[:32]] = list(range(len(rows)))
    else:
        for row, place in enumerate(places):
            if place != CHUNKED_PLACE:
                groups.setdefault(rows.packs[32 * row : 32 * row + 32], []).append(row)
    spots = unpack_u32(rows.spots)
    starts, stored = spots[::3], spots[1::3]
    for pack, members in groups.items():
        members.sort(key=starts.__getitem__)
        first = 0
        for at in range(1, len(members) + 1):
            begin = starts[members[first]]
            end = starts[members[at - 1]] + stored[members[at - 1]]
            if at < len(members):
                following = starts[members[at]]
                if following - end <= _MAX_GAP and end - begin < _MAX_RUN:
                    continue
            yield _run(rows, pack, (begin, end), members[first:at], stem)
            first = at


def _run(rows: Rows, pack: bytes, span: tuple[int, int], members: list[int], stem: int) -> PackRun:
    first, last = members[0], members[-1]
    if members == list(range(first, last + 1)):
        part = rows.cut(first, last + 1)
        cells = part.digests, part.sizes, part.flags, part.spots
    else:
        cells = (
            b"".join([rows.digests[32 * row : 32 * row + 32] for row in members]),
            b"".join([rows.sizes[8 * row : 8 * row + 8] for row in members]),
            bytes([rows.flags[row] for row in members]),
            b"".join([rows.spots[12 * row : 12 * row + 12] for row in members]),
        )
    names = [rows.paths[row][stem:] for row in members]
    return PackRun(pack, *span, names, cells)


_PLACES = bytes(value & PLACE_MASK for value in range(256))
assert EMPTY_PLACE == 0  # noqa: S101  # an empty file's cells are all zero: one run without a pack

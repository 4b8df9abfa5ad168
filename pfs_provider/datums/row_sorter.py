"""RowSorter: the rows of a join or group by their key, whatever their number, in bounded memory.

Invariants: keys come as tuples of texts are ordered; the rows of a key in the order in which they
were added. Only the rows of one key are in memory. Must not know: inputs, what is made of the rows.
"""

from collections.abc import Iterator
from itertools import groupby

import msgspec

from pfs_provider.closing import Closing
from pfs_provider.datums.datum import Piece, PieceSource
from pfs_provider.sorting import Pair, Sorter

__all__ = ["Key", "Pieces", "RowSorter"]

Pieces = tuple[Piece, ...]
Key = tuple[str, ...]

_Row = tuple[int, list[tuple[int, str, bool, bytes, int, str | None, str | None]]]
"""Number of the part; of every piece the number of its source, and all else that it holds."""

_NUMBER = 8
_DECODER = msgspec.msgpack.Decoder(_Row)


class RowSorter(Closing):
    """Rows by key. One thread fills it; then it is read."""

    def __init__(self) -> None:
        self._sorter = Sorter()
        self._sources: list[PieceSource] = []
        self._numbers: dict[int, int] = {}  # by identity: to compare sources takes as long as all

    def add(self, key: Key, part: int, row: Pieces) -> None:
        """Take a row that a part has under a key."""
        cells = [
            (self._number(p.source), p.path, p.is_dir, p.digest, p.size, p.join_on, p.group_by)
            for p in row
        ]
        place = _order(key) + len(self._sorter).to_bytes(_NUMBER, "big")
        self._sorter.add(place, msgspec.msgpack.encode((part, cells)))

    def __iter__(self) -> Iterator[list[tuple[int, Pieces]]]:
        """Yield for every key its rows, each with the number of its part."""
        for _, pairs in groupby(self._sorter, _key_of):
            yield [self._row(data) for _, data in pairs]

    def close(self) -> None:
        """Forget all. Idempotent."""
        self._sorter.close()

    def _number(self, source: PieceSource) -> int:
        number = self._numbers.get(id(source))
        if number is None:
            number = self._numbers[id(source)] = len(self._sources)
            self._sources.append(source)  # and so its identity stays its own
        return number

    def _row(self, data: bytes) -> tuple[int, Pieces]:
        part, cells = _DECODER.decode(data)
        return part, tuple(Piece(self._sources[number], *rest) for number, *rest in cells)


def _key_of(pair: Pair) -> bytes:
    return pair[0][:-_NUMBER]


def _order(key: Key) -> bytes:
    """Return bytes that are ordered as the keys are, none of which begins with another."""
    texts = (text.encode().replace(b"\0", b"\0\xff") for text in key)
    return b"".join([b"\1" + text + b"\0\0" for text in texts]) + b"\0"

"""Sorter: pairs of bytes, taken in any order and given back by key, in bounded memory.

What does not fit is kept in sorted runs in one temporary file that has no name; it goes when the
sorter is closed, or with the process.

Invariants: keys ascend by raw bytes; pairs of one key come next to one another, in any order among
themselves; what was put in may be read any number of times, also side by side.
Must not know: what the bytes mean.
"""

import tempfile
from bisect import bisect_right
from collections.abc import Iterator
from itertools import chain
from operator import itemgetter
from typing import IO

import msgspec

from pfs_provider.closing import Closing

__all__ = ["ROOM_BYTES", "Pair", "Seeker", "Sorter"]

Pair = tuple[bytes, bytes]

ROOM_BYTES = 16 << 20
"""What a sorter keeps in memory before it writes a run: below 100 MiB for the sorters of a job."""

_PAIR_BYTES = 136
"""What Python takes for a pair beside its bytes: a tuple, two objects, a place in a list."""

_BLOCK_PAIRS = 512
"""Pairs of a run that are read together; one block a run is in memory while runs are merged."""

_BLOCK_BYTES = 256 << 10
"""Of a block, at which it ends whatever the number of its pairs."""

_KEY = itemgetter(0)
_DECODER = msgspec.msgpack.Decoder(list[Pair])


class Sorter(Closing):
    """Pairs of key and value. One thread fills it; then it is read.

    Args:
        room: Bytes that may wait in memory.
    """

    def __init__(self, *, room: int = ROOM_BYTES) -> None:
        self._room = room
        self._waiting: list[Pair] = []
        self._used = 0
        self._count = 0
        self._file: IO[bytes] | None = None
        self._runs: list[list[tuple[int, int]]] = []

    def __len__(self) -> int:
        return self._count

    def add(self, key: bytes, value: bytes) -> None:
        """Take a pair; not while it is read."""
        self._waiting.append((key, value))
        self._count += 1
        self._used += len(key) + len(value) + _PAIR_BYTES
        if self._used >= self._room:
            self._write_run()

    def __iter__(self) -> Iterator[Pair]:
        """Yield all pairs by key."""
        return chain.from_iterable(self.blocks())

    def blocks(self) -> Iterator[list[Pair]]:
        """Yield all pairs by key, some at a time."""
        self._waiting.sort(key=_KEY)
        if not self._runs:
            yield self._waiting
            return
        cursors = [_Cursor(self._read_run(run)) for run in self._runs]
        cursors.append(_Cursor(iter([self._waiting])))
        while cursors := [cursor for cursor in cursors if cursor.fill()]:
            # No run holds anything below this that was not read yet.
            bound = min(cursor.block[-1][0] for cursor in cursors)
            merged = [pair for cursor in cursors for pair in cursor.take(bound)]
            merged.sort(key=_KEY)
            yield merged

    def close(self) -> None:
        """Forget all. Idempotent."""
        self._waiting = []
        self._runs = []
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write_run(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="pfs-sort-")  # noqa: SIM115  # `close` does
        self._waiting.sort(key=_KEY)
        at = self._file.seek(0, 2)
        run: list[tuple[int, int]] = []
        for block in _cut(self._waiting):
            data = msgspec.msgpack.encode(block)
            self._file.write(data)
            run.append((at, len(data)))
            at += len(data)
        self._runs.append(run)
        self._waiting = []
        self._used = 0

    def _read_run(self, run: list[tuple[int, int]]) -> Iterator[list[Pair]]:
        for at, length in run:
            assert self._file is not None  # noqa: S101  # there is a run
            self._file.seek(at)
            yield _DECODER.decode(self._file.read(length))


class Seeker:
    """Finds values of a sorter by keys that ascend; reads it once, whatever the number of keys."""

    def __init__(self, sorter: Sorter) -> None:
        self._pairs = iter(sorter)
        self._next = next(self._pairs, None)

    def find(self, key: bytes) -> bytes | None:
        """Return the value of a key that is above the one asked for before, None if there is none.

        Where a key has several values, any of them.
        """
        while self._next is not None and self._next[0] < key:
            self._next = next(self._pairs, None)
        return self._next[1] if self._next is not None and self._next[0] == key else None


class _Cursor:
    """A place in one run: the pairs of the block that were not taken yet."""

    def __init__(self, blocks: Iterator[list[Pair]]) -> None:
        self._blocks = blocks
        self.block: list[Pair] = []

    def fill(self) -> bool:
        """Read on if the block is used up; False at the end."""
        while not self.block:
            block = next(self._blocks, None)
            if block is None:
                return False
            self.block = block
        return True

    def take(self, bound: bytes) -> Iterator[Pair]:
        """Yield all that the run holds up to a key, and go behind it."""
        while self.fill() and self.block[0][0] <= bound:
            stop = bisect_right(self.block, bound, key=_KEY)
            yield from self.block[:stop]
            self.block = self.block[stop:]


def _cut(pairs: list[Pair]) -> Iterator[list[Pair]]:
    block: list[Pair] = []
    used = 0
    for pair in pairs:
        block.append(pair)
        used += len(pair[0]) + len(pair[1])
        if len(block) >= _BLOCK_PAIRS or used >= _BLOCK_BYTES:
            yield block
            block, used = [], 0
    if block:
        yield block

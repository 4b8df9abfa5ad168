"""Blocks of bytes, one after the other, as one binary file that holds a block at a time.

Must not know: where the blocks come from.
"""

from collections.abc import Iterable
from io import BufferedReader, RawIOBase
from typing import BinaryIO, cast

__all__ = ["join_blocks"]


def join_blocks(blocks: Iterable[bytes]) -> BinaryIO:
    """Return a file that gives the blocks in order; each is asked for when it is needed."""
    return cast("BinaryIO", BufferedReader(_Joined(blocks)))


class _Joined(RawIOBase):
    def __init__(self, blocks: Iterable[bytes]) -> None:
        super().__init__()
        self._blocks = iter(blocks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    # BufferedReader gives a memoryview.
    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        n = min(len(buffer), len(self._rest))
        buffer[:n] = self._rest[:n]
        self._rest = self._rest[n:]
        return n

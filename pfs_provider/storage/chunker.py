"""Where the chunks of a large file end: FastCDC with frozen parameters.

Frozen: other cut points give other digests to the same large file (tests/golden/storage).
Must not know: stores, digests.
"""

from collections.abc import Iterator
from typing import BinaryIO

from pyfastcdc import FastCDC

__all__ = ["LARGE_FILE", "MAX_CHUNK", "cut_stream"]

LARGE_FILE = 1 << 20
"""Bytes. Files below are packed whole, files from here on are cut into chunks."""

MIN_CHUNK = 512 << 10
AVERAGE_CHUNK = 2 << 20
MAX_CHUNK = 8 << 20
"""Bytes. Chunks of an edited file that are not touched stay; larger chunks are fewer objects."""

_WINDOW = 2 * MAX_CHUNK
_SEED = 0


def cut_stream(stream: BinaryIO, head: bytes = b"") -> Iterator[bytes]:
    """Yield the chunks of ``head`` and all that the stream still holds, in order.

    The cuts depend on the bytes alone, not on how the stream hands them out. Memory: two chunks of
    the largest size.
    """
    cutter = FastCDC(
        avg_size=AVERAGE_CHUNK,
        min_size=MIN_CHUNK,
        max_size=MAX_CHUNK,
        normalized_chunking=1,
        seed=_SEED,
    )
    window = bytearray(head)
    at_end = False
    while not at_end or window:
        while not at_end and len(window) < _WINDOW:
            block = stream.read(_WINDOW - len(window))
            window += block
            at_end = not block
        used = 0
        with memoryview(window) as view:
            while len(window) - used >= MAX_CHUNK or (at_end and used < len(window)):
                chunk = next(iter(cutter.cut_buf(view[used : used + MAX_CHUNK])))
                yield bytes(view[used : used + chunk.length])
                used += chunk.length
                del chunk  # it holds a view on the window
        del window[:used]

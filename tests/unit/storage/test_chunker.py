import io
import random
from typing import BinaryIO, cast

import pytest

from pfs_provider.storage.chunker import MAX_CHUNK, MIN_CHUNK, cut_stream

DATA = random.Random(5).randbytes(30 << 20)


class Trickle(io.RawIOBase):
    """A stream that hands out a little at a time, as sockets do."""

    def __init__(self, data: bytes, step: int) -> None:
        self._stream = io.BytesIO(data)
        self._step = step

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(min(size, self._step))


def test_chunks_are_the_file_cut_within_bounds() -> None:
    chunks = list(cut_stream(io.BytesIO(DATA)))

    assert b"".join(chunks) == DATA
    assert all(MIN_CHUNK <= len(chunk) <= MAX_CHUNK for chunk in chunks[:-1])
    assert len(chunks) > 3


@pytest.mark.parametrize("head", [0, 1, 1 << 20])
@pytest.mark.parametrize("step", [700_001, 64 << 20])
def test_cuts_do_not_depend_on_how_the_bytes_come(head: int, step: int) -> None:
    stream = cast("BinaryIO", Trickle(DATA[head:], step))

    assert list(cut_stream(stream, DATA[:head])) == list(cut_stream(io.BytesIO(DATA)))


def test_an_insertion_leaves_later_chunks_as_they_were() -> None:
    edited = DATA[:1000] + b"inserted" + DATA[1000:]

    before, after = (set(cut_stream(io.BytesIO(data))) for data in (DATA, edited))

    assert len(before - after) <= 2


def test_nothing_has_no_chunk() -> None:
    assert list(cut_stream(io.BytesIO(b""))) == []

"""Writes many small files out of one piece of a pack, each checked before it is created.

Also run as a script's part by a second process (folder_worker.py), so it imports nothing but the
standard library, blake3 and zstd, and works without site-packages set up.
Invariants: a file whose bytes differ from its digest is not created; nothing is written through a
link.
Must not know: this project's errors, stores, trees.
"""

import contextlib
import os
import sys
from array import array
from collections.abc import Sequence

from blake3 import blake3

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdError, decompress
else:
    from backports.zstd import ZstdError, decompress

__all__ = ["CorruptFileError", "write_files"]

_EXECUTABLE = 0x01
_ZSTD = 0x04
_PLACE = 0x06
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)


class CorruptFileError(Exception):
    """The bytes for the file of that name (relative) are not those that were written."""


def write_files(
    root: bytes,
    names: Sequence[bytes],
    cells: tuple[bytes, bytes, bytes, bytes],
    content: bytes | memoryview,
    *,
    start: int,
    aside: bytes | None,
) -> None:
    """Create files below a folder.

    Args:
        root: The folder; the folders that the names need exist.
        names: Relative paths.
        cells: The columns digests, sizes, flags and spots of the rows.
        content: The bytes of the pack from ``start`` on.
        start: Offset in the pack.
        aside: Name of a file in ``root`` to write first and then rename; None creates files under
            their own names, which must not exist.

    Raises:
        CorruptFileError: Files before it were written.
        OSError: As writing files does, with the path.
    """
    digests, sizes, flags, spots = cells
    lengths, places = _numbers("Q", sizes), _numbers("I", spots)
    view = memoryview(content)
    block, block_at = view, -1
    for row, name in enumerate(names):
        offset, stored, inner = places[3 * row : 3 * row + 3]
        if flags[row] & _PLACE == _ZSTD:
            if offset != block_at:
                block, block_at = _inflate(view[offset - start :][:stored], name), offset
            data = block[inner : inner + lengths[row]]
        else:
            data = view[offset - start :][: lengths[row]]
        if blake3(data).digest() != digests[32 * row : 32 * row + 32]:
            raise CorruptFileError(name)
        path = root + b"/" + name
        mode = 0o777 if flags[row] & _EXECUTABLE else 0o666
        if aside is None:
            _create(path, data, mode)
        else:
            _replace(path, root + b"/" + aside, data, mode)


def _create(path: bytes, data: memoryview, mode: int) -> None:
    handle = os.open(path, _FLAGS, mode)
    try:
        done = os.write(handle, data)
        while done < len(data):
            done += os.write(handle, data[done:])
    finally:
        os.close(handle)


def _replace(path: bytes, aside: bytes, data: memoryview, mode: int) -> None:
    try:
        _create(aside, data, mode)
        os.replace(aside, path)  # noqa: PTH105  # bytes
    except OSError as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(aside)  # noqa: PTH108  # bytes
        raise OSError(error.errno, error.strerror, path) from error


def _inflate(stored: memoryview, name: bytes) -> memoryview:
    try:
        return memoryview(decompress(stored))
    except ZstdError as error:
        raise CorruptFileError(name) from error


def _numbers(code: str, data: bytes) -> "array[int]":
    numbers = array(code)
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers

"""Reads many small files into one buffer and digests them there.

Also run as a script by a second process (folder_helper.py starts it), so it imports nothing but the
standard library and blake3, and works without site-packages set up.
Invariant: what is returned describes exactly the bytes in the buffer, whatever happens to the
files.
Must not know: this project's errors, packs, stores.
"""

import os
import stat
from collections.abc import Sequence

from blake3 import blake3

__all__ = ["LIMIT", "NOT_REGULAR", "read_files"]

LIMIT = 1 << 20
"""Bytes. A file of this size or more is left to the reader of large files."""

NOT_REGULAR = -1
"""In place of an errno: the name leads to a FIFO, a socket or a device by now."""

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | os.O_NONBLOCK
_REGULAR = 0o100000
_TYPE = 0o170000


def read_files(sources: Sequence[bytes], view: memoryview) -> tuple[bytes, list[int], bytearray]:
    """Read files one behind the other into the view, as many as surely fit.

    Args:
        sources: Absolute paths that are no links.
        view: Room for at least one file of `LIMIT` bytes.

    Returns:
        Digests (32 bytes each), sizes and executable flags of the files read. A large file has
        the size -1, no digest worth its name, and no bytes in the view.

    Raises:
        OSError: with the path; errno `NOT_REGULAR` for what is no regular file any more.
    """
    digests: list[bytes] = []
    sizes: list[int] = []
    flags = bytearray()
    used, last = 0, len(view) - LIMIT
    for source in sources:
        if used > last:
            break
        handle = os.open(source, _FLAGS)
        try:
            info = os.fstat(handle)
            if info.st_mode & _TYPE != _REGULAR:
                raise OSError(NOT_REGULAR, "not a regular file", source)
            size = os.readv(handle, [view[used : used + LIMIT]])
            if size != info.st_size and size < LIMIT:
                size = _read_rest(handle, view[used : used + LIMIT], size)
        finally:
            os.close(handle)
        flags.append(1 if info.st_mode & stat.S_IXUSR else 0)
        if size == LIMIT:
            digests.append(bytes(32))
            sizes.append(-1)
            continue
        digests.append(blake3(view[used : used + size]).digest())
        sizes.append(size)
        used += size
    return b"".join(digests), sizes, flags


def _read_rest(handle: int, view: memoryview, size: int) -> int:
    """Go on after a short read: the file changed, or its file system hands out less at a time."""
    while size < LIMIT:
        more = os.readv(handle, [view[size:]])
        if not more:
            break
        size += more
    return size

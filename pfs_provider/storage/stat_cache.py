"""StatCache: which digest a file of a local folder had when it was last read, and what it was then.

One file a folder, in the user's cache folder. It only saves reading: what it does not know is read.

Invariants: a digest is given only for a file whose device, inode, size, mode and both times are
those that it had before it was read. What was changed shortly before it was read is not kept: a
change within one tick of the clock would leave all of that as it is (as git's index has it). A
cache file that is damaged, or of another version, is none; whatever goes wrong, nothing fails.
Must not know: trees, stores. Source: docs/design/0024-stat-cache.md.
"""

import os
import stat
import struct
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
from blake3 import blake3

from pfs_provider.clock import Clock
from pfs_provider.storage.sources import FolderFiles

__all__ = ["Seen", "StatCache"]

RACY_NS = 2_000_000_000
"""A file changed less than this before it was looked at is read again next time. Two seconds are
the coarsest tick of a file system in use (FAT)."""

MIN_FILES = 256
MIN_BYTES = 64 << 20
"""A folder with less than both is read in no time: there is nothing to keep."""

MAX_FOLDERS = 64
"""Cache files kept; of more, those that were not written for longest go."""

_FORMAT = 1
_CELL = struct.Struct("<QQqqqI")
"""Device, inode, modified and changed in nanoseconds, size, mode."""
_DIGEST = 32
_NO_CELL = bytes(_CELL.size)


@dataclass(frozen=True, slots=True)
class Seen:
    """The files of a folder as they are now, in the order of their names.

    Attributes:
        root: The folder.
        names: Relative names.
        cells: What each file is, in bytes that are compared; zeros for what is no regular file.
        digests: Of those that are what they were when they were last read; else None.
        at_ns: When that was looked at.
    """

    root: bytes
    names: list[bytes]
    cells: list[bytes]
    digests: list[bytes | None]
    at_ns: int

    def is_executable(self, row: int) -> bool:
        """Return whether a file's owner may run it."""
        return bool(_CELL.unpack(self.cells[row])[5] & stat.S_IXUSR)


class StatCache:
    """What is known of folders.

    Args:
        folder: Where the cache files are; it is made when there is something to keep.
        clock: The time that files' times are compared with.
        min_files: Folders with less files, and less than ``min_bytes``, are not kept.
        min_bytes: See ``min_files``.
        racy_ns: How long ago a file must have been changed to be kept; more than a clock's tick.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        min_files: int = MIN_FILES,
        min_bytes: int = MIN_BYTES,
        racy_ns: int = RACY_NS,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._min_files = min_files
        self._min_bytes = min_bytes
        self._racy_ns = racy_ns

    def look(self, folder: Path, files: FolderFiles) -> Seen:
        """Return what the files are now, and the digests of those that are what they were.

        To be called before any of them is read.
        """
        root = os.path.realpath(os.fsencode(folder))
        at_ns = int(self._clock.now().timestamp() * 1_000_000_000)
        cells = [_cell_of(source) for source in files.sources]
        known = self._load(root)
        digests: list[bytes | None] = []
        for name, cell in zip(files.names, cells, strict=True):
            entry = known.get(name)
            same = entry is not None and entry[0] == cell and cell != _NO_CELL
            digests.append(entry[1] if entry is not None and same else None)
        return Seen(root, files.names, cells, digests, at_ns)

    def keep(self, seen: Seen, digests: Sequence[bytes]) -> None:
        """Keep the digests that the files had, read after `look` or known from it.

        Args:
            seen: What `look` gave.
            digests: Of each file.
        """
        latest = seen.at_ns - self._racy_ns
        rows = [row for row, cell in enumerate(seen.cells) if _is_settled(cell, latest)]
        total = sum(_CELL.unpack(cell)[4] for cell in seen.cells)
        if len(seen.names) < self._min_files and total < self._min_bytes:
            return
        body = msgspec.msgpack.encode(
            (
                _FORMAT,
                seen.root,
                b"\0".join([seen.names[row] for row in rows]),
                b"".join([seen.cells[row] for row in rows]),
                b"".join([digests[row] for row in rows]),
            )
        )
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._write(self._place(seen.root), blake3(body).digest() + body)
            self._sweep()

    def _place(self, root: bytes) -> Path:
        return self._folder / blake3(root).hexdigest()[:32]

    def _load(self, root: bytes) -> dict[bytes, tuple[bytes, bytes]]:
        """Return what each name was, and its digest then."""
        try:
            data = self._place(root).read_bytes()
            body = data[_DIGEST:]
            if blake3(body).digest() != data[:_DIGEST]:
                return {}
            version, whose, joined, cells, digests = msgspec.msgpack.decode(
                body, type=tuple[int, bytes, bytes, bytes, bytes]
            )
        except (OSError, msgspec.MsgspecError):
            return {}
        if version != _FORMAT or whose != root or not joined:
            return {}
        size = _CELL.size
        return {
            name: (cells[size * row : size * row + size], digests[32 * row : 32 * row + 32])
            for row, name in enumerate(joined.split(b"\0"))
        }

    def _write(self, place: Path, data: bytes) -> None:
        """Put a file in its place whole, whoever else does so at the time."""
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        try:
            with open(handle, "wb") as file:  # noqa: PTH123  # a descriptor
                file.write(data)
            Path(name).replace(place)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _sweep(self) -> None:
        found = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for path in found[:-MAX_FOLDERS]:
            path.unlink(missing_ok=True)


def _cell_of(source: bytes) -> bytes:
    """Return what a file is; zeros where it is none by now: reading it will tell."""
    try:
        info = os.lstat(source)
    except OSError:
        return _NO_CELL
    if not stat.S_ISREG(info.st_mode):
        return _NO_CELL
    return _CELL.pack(
        info.st_dev, info.st_ino, info.st_mtime_ns, info.st_ctime_ns, info.st_size, info.st_mode
    )


def _is_settled(cell: bytes, latest_ns: int) -> bool:
    """Return whether a file was changed early enough that another change shows in its times."""
    if cell == _NO_CELL:
        return False
    _, _, modified, changed, _, _ = _CELL.unpack(cell)
    return bool(max(modified, changed) <= latest_ns)

"""Tar archives that come out of a pipe, one after another, each taken whole or not at all.

A spout of Pachyderm up to 1.11 wrote them into ``/pfs/out``: an archive's end is its first block of
zeros, and any number of such blocks may lie between two. Invariants: an archive that is given has
come to its end; nobody who writes is kept waiting for the archive before, but by the disk.
Must not know: what becomes of an archive.
"""

import os
import select
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from pfs_provider.clock import Clock

__all__ = ["ArchiveStream", "forget_members"]

BLOCK = 512
"""Bytes; what tar's formats are made of."""
_ZEROS = bytes(BLOCK)
_AT_ONCE = 1 << 16
_LOOK_S = 0.05


class _CutShortError(Exception):
    """Nobody writes any more, and the archive has not come to its end."""


@dataclass(slots=True)
class ArchiveStream:
    """The archives that are written into a pipe.

    Args:
        fd: Its reading end, which does not block.
        folder: Where an archive lies until it is taken.
        clock: The time.
        ending: Whether to give only what lies in the pipe already, and end.
        tell: Told in a sentence what was left out.
    """

    fd: int
    folder: Path
    clock: Clock
    ending: Callable[[], bool]
    tell: Callable[[str], None]
    _ahead: bytes = b""
    _at: int = 0
    """What lies in ``_ahead`` before it is taken already."""

    def __iter__(self) -> Iterator[Path]:
        """Yield each archive as a file, which is for who asked to remove."""
        while self._find_begin():
            with NamedTemporaryFile(dir=self.folder, suffix=".tar", delete=False) as spool:
                is_whole = self._take_archive(spool)
            if is_whole:
                yield Path(spool.name)
            else:
                Path(spool.name).unlink()

    def _find_begin(self) -> bool:
        """Return whether something else than zeros has come; False at the end of all."""
        while True:
            if self._at == len(self._ahead) and not self._wait():
                return False
            try:
                block = self._take(BLOCK)
            except _CutShortError:
                self._drop()
                continue
            if block != _ZEROS:
                self._at -= BLOCK
                return True

    def _wait(self) -> bool:
        """Return True when something has come, False if that is not to be waited for."""
        while not self._fill():
            if self.ending():
                return False
            self.clock.sleep(_LOOK_S)
        return True

    def _take_archive(self, spool: IO[bytes]) -> bool:
        """Copy the archive that begins here; False if it is none, or not whole."""
        try:
            self._copy_archive(spool)
        except _CutShortError:
            self.tell("an archive was written to /pfs/out only in part: it is left out")
            self._drop()
        except tarfile.TarError as error:
            self.tell(
                f"what was written to /pfs/out is no tar archive ({error}): all is left out until "
                "/pfs/out is closed"
            )
            self._skip_to_close()
        else:
            return True
        return False

    def _copy_archive(self, spool: IO[bytes]) -> None:
        tee = _Tee(self._take, spool)
        # Block by block: what lies behind the archive's end is the next one's.
        with tarfile.open(fileobj=tee, mode="r|", bufsize=BLOCK) as archive:  # type: ignore[call-overload] # it only reads
            while archive.next() is not None:
                forget_members(archive)
        if tee.last != _ZEROS:
            raise tarfile.ReadError("a header is wrong")

    def _skip_to_close(self) -> None:
        self._drop()
        while self._fill():
            self._drop()

    def _drop(self) -> None:
        self._ahead, self._at = b"", 0

    def _take(self, size: int) -> bytes:
        while len(self._ahead) - self._at < size:
            if not self._fill():
                raise _CutShortError
        begin = self._at
        self._at += size
        return self._ahead[begin : self._at]

    def _fill(self) -> bool:
        """Wait for more from those who have the pipe open; False if there is nobody."""
        while True:
            try:
                more = os.read(self.fd, _AT_ONCE)
            except BlockingIOError:
                if self.ending():
                    return False
                select.select([self.fd], [], [], _LOOK_S)
                continue
            self._ahead, self._at = self._ahead[self._at :] + more, 0
            return bool(more)


def forget_members(archive: tarfile.TarFile) -> None:
    """Have an archive that is read member by member not remember them: there may be millions."""
    archive.members = []  # type: ignore[attr-defined] # documented as kept; typeshed leaves it out


@dataclass(slots=True)
class _Tee:
    """A file that keeps what is read from it."""

    take: Callable[[int], bytes]
    copy: IO[bytes]
    last: bytes = b""

    def read(self, size: int) -> bytes:
        self.last = self.take(size)
        self.copy.write(self.last)
        return self.last

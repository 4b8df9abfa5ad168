"""The next datum's files, staged while the datum before it runs.

Invariants: at most one datum is staged ahead, in a folder beside the root on the same volume, so
that its files get into the root by a rename and never by a copy; nothing but a whole datum gets
there. Staging ahead only saves time: where it fails, or would take more than half of the room that
was left to the datum that runs, the datum is staged when its turn comes, and what goes wrong then
is its own. Must not know: what runs, the queue.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pfs_provider.errors import PfsError
from pfs_provider.jobs.records import DatumRecord
from pfs_provider.worker.beside import Beside
from pfs_provider.worker.staging import Check, clear_root

__all__ = ["Ahead", "make_sibling"]

Stage = Callable[[DatumRecord, Path, Check], None]
"""Fills an empty folder with a datum's files; calls its last argument now and then, which may raise
``InterruptedError``."""


class Ahead:
    """One datum staged ahead. One thread calls.

    Args:
        folder: Where; on the volume of the root.
        stage: How.
        stopping: Asked while it stages; True ends that.
    """

    def __init__(self, folder: Path, stage: Stage, stopping: Callable[[], bool]) -> None:
        self._folder = folder
        self._stage = stage
        self._stopping = stopping
        self._beside = Beside("stage-ahead")
        self._datum: DatumRecord | None = None
        self._is_whole = False
        self._is_dropped = False
        self._room = 0

    def begin(self, datum: DatumRecord | None) -> None:
        """Stage a datum, beside whatever the caller does next; None, or the same again: nothing."""
        if datum is None or datum is self._datum:
            return
        self.drop()
        self._datum, self._is_whole, self._is_dropped = datum, False, False
        self._beside.start(lambda: self._fill(datum))

    def take(self, datum: DatumRecord, root: Path) -> bool:
        """Move a datum's files into an empty root.

        Returns:
            False if they have to be staged: it is not the one that was begun, or that failed.
        """
        if datum is not self._datum:
            return False
        self._beside.wait()
        self._datum = None
        if not self._is_whole:
            clear_root(self._folder)  # a full disk has no room for the half of it
            return False
        self._move(root)
        return True

    def stage_now(self, datum: DatumRecord, root: Path, check: Check) -> None:
        """Stage a datum that was not begun, out of reach of a program that sees the root."""
        self.drop()
        clear_root(self._folder)
        self._stage(datum, self._folder, check)
        self._move(root)

    def _move(self, root: Path) -> None:
        for child in self._folder.iterdir():
            child.rename(root / child.name)

    def drop(self) -> None:
        """Forget what was begun; when this returns nothing is written any more."""
        self._is_dropped = True
        self._beside.drop()
        self._datum = None

    def _fill(self, datum: DatumRecord) -> None:
        with suppress(PfsError, OSError):  # told when its turn comes, if it is still so
            clear_root(self._folder)
            self._room = _find_room(self._folder)
            self._stage(datum, self._folder, self._check)
            self._is_whole = True

    def _check(self, n_bytes: int) -> None:
        is_short = _find_room(self._folder) - n_bytes < self._room // 2
        if is_short or self._is_dropped or self._stopping():
            raise InterruptedError


def _find_room(folder: Path) -> int:
    """Return how many bytes may still be written there."""
    info = os.statvfs(folder)
    return info.f_bavail * info.f_frsize


def make_sibling(root: Path, suffix: str) -> Path:
    """Return an empty folder beside a root, of the same group and rights: files made in it fit."""
    folder = root.with_name(root.name + suffix)
    folder.mkdir(exist_ok=True)
    info = root.stat()
    with suppress(PermissionError):  # then the group is that of all that this process makes
        os.chown(folder, -1, info.st_gid)
    folder.chmod(info.st_mode & 0o7777)
    clear_root(folder)
    return folder

"""A worker's own folder for staged files, and the end of those that dead workers left.

Invariants: a folder is locked as long as its worker lives, and the lock ends with the process,
however it ends; only a folder whose lock can be had is removed. Must not know: what lies in it.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["open_scratch"]

PREFIX = "worker-"
LOCK = ".lock"
NEW_LOCK = ".lock-new"


@contextmanager
def open_scratch(parent: Path | None) -> Iterator[Path]:
    """Make an empty folder, and remove it when the block ends.

    Args:
        parent: Where; it is made if need be, and cleared of what killed workers left. None means
            the system's folder for temporary files, where nothing else is touched.
    """
    if parent is not None:
        parent.mkdir(parents=True, exist_ok=True)
        _sweep(parent)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        handle = os.open(folder / NEW_LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            (folder / NEW_LOCK).rename(folder / LOCK)  # under its name it is locked already
            yield folder
        finally:
            os.close(handle)


def _sweep(parent: Path) -> None:
    """Remove the folders of workers that live no more.

    A folder without a lock file is let be: its worker may be about to make it.
    """
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            handle = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)

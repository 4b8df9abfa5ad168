"""Homes for commands that have no private one: folders of this machine, lent to one at a time.

Invariants: a home is empty when it is lent; only the user may enter it. One that comes back empty
is lent again, because folders cost more than commands. Must not know: who lives there.
"""

import contextlib
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Homes"]

_OWN = 0o700
"""The rights that a home is made with."""


class Homes:
    """Homes below one temporary folder. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: str | None = None
        self._free: list[Path] = []

    @contextlib.contextmanager
    def lend(self) -> Iterator[Path]:
        """Yield an empty home; what is left in it is removed afterwards."""
        home = self._take()
        try:
            yield home
        finally:
            self._take_back(home)

    def _take(self) -> Path:
        with self._lock:
            if self._free:
                return self._free.pop()
            if self._folder is None:
                self._folder = tempfile.mkdtemp(prefix="pfs-homes-")
            return Path(tempfile.mkdtemp(dir=self._folder))

    def _take_back(self, home: Path) -> None:
        try:
            is_as_it_was = not any(home.iterdir()) and home.stat().st_mode & 0o777 == _OWN
        except OSError:
            is_as_it_was = False
        if is_as_it_was:
            with self._lock:
                self._free.append(home)
        else:
            shutil.rmtree(home, ignore_errors=True)

    def close(self) -> None:
        """Remove all of them. Idempotent."""
        with self._lock:
            folder, self._folder, self._free = self._folder, None, []
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

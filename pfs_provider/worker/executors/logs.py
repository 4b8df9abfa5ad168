"""The log of a datum: what its command wrote, up to a limit.

Invariants: what comes after the limit is taken and thrown away, so that the command never waits;
the log then ends with a line that says so. Must not know: who writes.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["MAX_LOG_BYTES", "LogWriter"]

MAX_LOG_BYTES = 64 << 20
"""Of one run of one command. Large enough for any log that a person reads."""


class LogWriter:
    """Appends to one log file, as a context manager. ``n_dropped`` counts the bytes left out."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_LOG_BYTES) -> None:
        self._descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644
        )
        self._room = max_bytes
        self._max = max_bytes
        self._last = b"\n"
        self._error: str | None = None
        self.n_dropped = 0

    def write(self, data: bytes) -> None:
        """Append what fits; count the rest as dropped. A full disk counts as the limit reached."""
        part = data[: self._room]
        written = self._append(part) if part else 0
        self.n_dropped += len(data) - written
        self._room -= written
        if written:
            self._last = part[written - 1 : written]

    def _append(self, part: bytes) -> int:
        try:
            written = os.write(self._descriptor, part)
        except OSError as error:
            self._error, self._room = error.strerror, 0
            return 0
        return written + (self._append(part[written:]) if written < len(part) else 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self.n_dropped:
                self._say_cut()
        finally:
            os.close(self._descriptor)

    def _say_cut(self) -> None:
        why = self._error or f"the limit of a log is {self._max} bytes"
        start = b"" if self._last == b"\n" else b"\n"
        self._append(
            start + f"[log cut here: {self.n_dropped} more bytes left out, {why}]\n".encode()
        )

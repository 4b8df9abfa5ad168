"""The log of a datum: what its commands wrote, the first and the last of it where that is much.

A log is a stream in files: its beginning has the log's own name, ``log``, each part after it the
offset of its first byte behind that, ``log.0000000000004194304``. Invariants: all parts together
have at most the limit; a part that was left out leaves a gap in the offsets; whatever is left out
is taken all the same, so that the command never waits; no secret reaches a file. Must not know: who
writes.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pfs_provider.closing import Closing
from pfs_provider.worker.executors.masks import Masker, find_secrets
from pfs_provider.worker.executors.port import MAX_LOG_BYTES, Task

__all__ = [
    "LogPart",
    "LogWriter",
    "clear_log",
    "hide_secrets",
    "list_parts",
    "move_log",
    "open_log",
]

"""Of one datum, unless said otherwise. Large enough for any log that a person reads."""
N_PARTS = 16
"""Half of them are the beginning, half the end: what is lost for a new last one is a sixteenth."""
_OFFSET = re.compile(r"\.(\d{19})")


@dataclass(frozen=True, slots=True)
class LogPart:
    """A file of a log. ``offset`` is where it begins in the stream."""

    offset: int
    path: Path
    size: int


def list_parts(log: Path) -> list[LogPart]:
    """Return the parts of a log by offset; none before its beginning was made."""
    try:
        parts = [LogPart(0, log, log.stat().st_size)]
    except FileNotFoundError:
        return []
    return parts + _later_parts(log)


def clear_log(log: Path) -> None:
    """Remove a log; harmless where there is none."""
    log.unlink(missing_ok=True)  # first: without it the others are nobody's
    for part in _later_parts(log):
        part.path.unlink(missing_ok=True)


def move_log(log: Path, new: Path) -> None:
    """Give a log another name in the same folder; whatever had that name is gone."""
    clear_log(new)
    for part in list_parts(log):
        part.path.rename(_part_path(new, part.offset))


def open_log(task: Task) -> "LogWriter":
    """Return the writer of a task's log, which hides the task's secrets."""
    return LogWriter(task.log, max_bytes=task.max_log_bytes, secrets=_hidden(task))


def hide_secrets(task: Task, text: str) -> str:
    """Return what user code says of itself, without the task's secrets."""
    masker = Masker(_hidden(task))
    data = text.encode(errors="surrogateescape")
    return (masker.take(data) + masker.end()).decode(errors="replace")


def _hidden(task: Task) -> tuple[bytes, ...]:
    return find_secrets(
        (*task.secrets, *(task.env[name] for name in task.masked if name in task.env))
    )


class LogWriter(Closing):
    """Appends to one log, as a context manager. ``n_dropped`` counts the bytes left out.

    ``error`` says why the disk took no more, None if it took all.

    Args:
        path: The log; it goes on where the run before ended.
        max_bytes: How much is kept of the log as a whole.
        secrets: What no reader may see, none of them empty.
    """

    def __init__(
        self, path: Path, *, max_bytes: int = MAX_LOG_BYTES, secrets: tuple[bytes, ...] = ()
    ) -> None:
        self._part_bytes = max(1, max_bytes // N_PARTS)
        n_parts = max(2, max_bytes // self._part_bytes)  # its name is the beginning's
        self._first_bytes = n_parts // 2 * self._part_bytes
        self._n_last = n_parts - n_parts // 2
        self._secrets = secrets
        self._begin(path)

    def _begin(self, path: Path) -> None:
        self._path = path
        self._masker = Masker(self._secrets)
        self.error: str | None = None
        self._last_byte = b"\n"
        self.n_dropped = 0
        parts = list_parts(path)
        if not parts:
            clear_log(path)
        end = parts[-1] if parts else LogPart(0, path, 0)
        self._last = [part for part in parts if part.offset >= self._first_bytes]
        self._open(end.offset)
        self._offset = end.offset + end.size

    def write(self, data: bytes) -> None:
        """Take output; what is in the middle of too much of it counts as dropped.

        A full disk ends the log: what comes after that is dropped.
        """
        self._keep(self._masker.take(data))

    def turn(self, path: Path, *, is_bringing: bool = False) -> None:
        """End this log and go on in another one.

        Args:
            path: The other one; it goes on where it ended.
            is_bringing: Whether what is in this one moves there.
        """
        old = self._path
        self.close()
        try:
            self._begin(path)
        except OSError as error:  # not even a name has room; whoever writes goes on all the same
            self.error, self._descriptor = error.strerror, os.open(os.devnull, os.O_WRONLY)
            return
        if is_bringing:
            for part in list_parts(old):
                self._keep(part.path.read_bytes())  # secrets are hidden already
            clear_log(old)

    def close(self) -> None:
        """End the log: nothing more is written to it."""
        try:
            self._keep(self._masker.end())
            if self.error is not None:
                self._say_cut(self.error)
        finally:
            os.close(self._descriptor)

    def _keep(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            if self.error is not None:
                self.n_dropped += len(rest)
                return
            room = self._start + self._part_bytes - self._offset
            if room <= 0:
                self._begin_part()
                continue
            rest = rest[self._append(rest[:room]) :]

    def _begin_part(self) -> None:
        while len(self._last) >= self._n_last and self._offset >= self._first_bytes:
            oldest = self._last.pop(0)
            oldest.path.unlink(missing_ok=True)
            self.n_dropped += self._part_bytes
        before = self._descriptor
        try:
            self._open(self._offset)
        except OSError as error:
            self.error = error.strerror
        else:
            os.close(before)

    def _open(self, offset: int) -> None:
        path = _part_path(self._path, offset)
        self._descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644
        )
        self._start = offset
        if offset >= self._first_bytes and not any(part.offset == offset for part in self._last):
            self._last.append(LogPart(offset, path, self._part_bytes))

    def _append(self, part: memoryview) -> int:
        try:
            written = os.write(self._descriptor, part)
        except OSError as error:
            self.error = error.strerror
            return 0
        self._offset += written
        self._last_byte = bytes(part[written - 1 : written])
        return written

    def _say_cut(self, why: str) -> None:
        start = "" if self._last_byte == b"\n" else "\n"
        line = f"{start}[log cut here: {self.n_dropped} more bytes left out, {why}]\n"
        self._append(memoryview(line.encode()))


def _part_path(log: Path, offset: int) -> Path:
    return log.with_name(f"{log.name}.{offset:019d}") if offset else log


def _later_parts(log: Path) -> list[LogPart]:
    found: list[LogPart] = []
    with os.scandir(log.parent) as entries:
        for entry in entries:
            if not entry.name.startswith(log.name):
                continue
            number = _OFFSET.fullmatch(entry.name, len(log.name))
            if number is not None:
                try:
                    size = entry.stat().st_size
                except FileNotFoundError:  # left out meanwhile
                    continue
                found.append(LogPart(int(number[1]), Path(entry.path), size))
    return sorted(found, key=lambda part: part.offset)

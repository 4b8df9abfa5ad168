"""What a worker tells whoever reads its output: one JSON object a line, and user code's own lines.

Invariants: a line is whole, whatever threads write; a reader that has gone stops no work; a
datum's user code fills no more than ``MAX_USER_BYTES``. Must not know: stores, how commands are
run.
"""

import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

from pfs_provider.clock import Clock, SystemClock
from pfs_provider.worker.executors.logs import LogPart, list_parts

__all__ = ["EventLog", "UserLines"]

MAX_USER_BYTES = 1 << 20
"""Of one datum; the whole log is in the store."""
MAX_LINE_BYTES = 8192
"""The container runtimes cut lines at 16 KiB, and a cut line is no JSON."""
BLOCK_BYTES = 1 << 16


class EventLog:
    """Writes events. Any thread may call.

    Args:
        stream: Where to; None for a log that keeps silent.
        clock: Tells the time of an event.
        listener: Told of each event and its fields, besides the stream.
        about: What every line says: job, pipeline, worker.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        clock: Clock | None = None,
        listener: Callable[[str, Mapping[str, object]], None] | None = None,
        **about: str,
    ) -> None:
        self._stream = stream
        self._listener = listener
        self._clock = clock or SystemClock()
        self._about = about
        self._lock = threading.Lock()

    @property
    def is_on(self) -> bool:
        """Whether anybody listens; what only serves to be told need not be found out else."""
        return self._stream is not None or self._listener is not None

    def tell(self, event: str, *, level: str = "info", **fields: object) -> None:
        """Write one line.

        Args:
            event: What happened, a few words with dashes.
            level: ``info`` or ``error``.
            fields: More of it; must be JSON.
        """
        if self._listener is not None:
            self._listener(event, fields)
        if self._stream is None:
            return
        time = self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": time, "level": level, "event": event, **self._about, **fields}
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        with self._lock, contextlib.suppress(OSError, ValueError):  # nobody reads any more
            self._stream.write(f"{text}\n")
            self._stream.flush()


class UserLines:
    """Tells the lines that user code adds to its log. One thread at a time.

    Args:
        events: Where to.
        path: The log; a new one for each datum.
    """

    def __init__(self, events: EventLog, path: Path) -> None:
        self._events = events
        self._path = path
        self.begin("")

    def begin(self, datum: str) -> None:
        """Have the log be that of another datum, from its start."""
        self._datum = datum
        self._offset = 0
        self._rest = b""

    def follow(self, *, is_end: bool = False) -> None:
        """Tell what has been added; at the end of the datum also a line without its newline."""
        if not self._events.is_on or not self._datum:
            return
        for part in list_parts(self._path):
            if self._offset < min(part.offset + part.size, MAX_USER_BYTES):
                self._offset = max(self._offset, part.offset)
                self._read(part)
        if is_end and self._rest:
            self._tell(self._rest)
            self._rest = b""

    def _read(self, part: LogPart) -> None:
        with contextlib.suppress(FileNotFoundError), part.path.open("rb") as file:
            file.seek(self._offset - part.offset)
            while self._offset < MAX_USER_BYTES and (data := file.read(BLOCK_BYTES)):
                self._take(data)

    def _take(self, data: bytes) -> None:
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._tell(line)
        if len(self._rest) > MAX_LINE_BYTES:
            self._tell(self._rest)
            self._rest = b""
        if self._offset >= MAX_USER_BYTES:
            note = f"more than {MAX_USER_BYTES} bytes: the rest is in the datum's log only"
            self._events.tell("user-lines-cut", datum=self._datum, note=note)

    def _tell(self, line: bytes) -> None:
        for start in range(0, max(1, len(line)), MAX_LINE_BYTES):
            text = line[start : start + MAX_LINE_BYTES].decode(errors="replace")
            self._events.tell("user", datum=self._datum, text=text)

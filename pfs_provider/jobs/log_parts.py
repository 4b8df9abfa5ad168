"""The logs of one job as the store has them: parts of streams, read line by line.

Invariants: a line is given once, whole unless it is longer than ``MAX_LINE_BYTES``; memory holds a
block of one part. A gap in the offsets is what the worker left out. Parts older than the beginning
are of a run whose worker was lost. Must not know: which jobs and datums somebody wants.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from pfs_provider.errors import NotFoundError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.objects import JobObjects

__all__ = ["DatumLog", "LogReader", "find_tail", "list_logs"]

BLOCK_BYTES = 1 << 20
MAX_LINE_BYTES = 1 << 20
MAX_LISTS = 16
"""Of so many datums each is looked up by itself; of more all are listed."""


@dataclass(frozen=True, slots=True)
class _Part:
    key: str
    offset: int
    size: int
    modified: datetime

    @property
    def end(self) -> int:
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class DatumLog:
    """What there is of one datum's log. ``datum`` is its id."""

    datum: str
    parts: tuple[_Part, ...]

    @property
    def modified(self) -> datetime:
        """When it was stored last."""
        return self.parts[-1].modified

    @property
    def end(self) -> int:
        """One past its last byte."""
        return self.parts[-1].end


def list_logs(
    objects: JobObjects, ref: JobRef, datums: Collection[str] | None = None
) -> Iterator[DatumLog]:
    """Yield the logs of a job by datum; of some datums only unless that is None."""
    prefix = ref.log(b"")
    if datums is not None and len(datums) <= MAX_LISTS:
        infos = [info for datum in sorted(datums) for info in objects.list(prefix + datum)]
    else:
        infos = list(objects.list(prefix))
    found = [(*info.key.removeprefix(prefix).partition("."), info) for info in infos]
    for datum, group in groupby(found, key=lambda item: item[0]):
        if datums is not None and datum not in datums:
            continue
        parts = [
            _Part(info.key, int(offset or 0), info.size, info.modified)
            for _, _, offset, info in group
        ]
        began = parts[0].modified
        yield DatumLog(datum, tuple(part for part in parts if part.modified >= began))


@dataclass(slots=True)
class LogReader:
    """Reads one datum's log, on and on: each call gives what was added.

    Args:
        objects: The store.
        since: Parts stored last before that are passed over.
    """

    objects: JobObjects
    since: datetime | None = None
    _at: int = 0
    _held: bytes = b""

    def read(self, log: DatumLog, *, is_whole: bool) -> Iterator[tuple[datetime, bytes]]:
        """Yield the lines behind those that were read, each with its part's time.

        Args:
            log: As it is now.
            is_whole: Whether nothing is to come: then a line may have no end.
        """
        modified = log.modified
        for part in log.parts:
            if part.end <= self._at:
                continue
            modified = part.modified
            if self.since is not None and modified < self.since:
                self.skip(part.end)
                continue
            if part.offset > self._at:
                yield from ((modified, line) for line in self._pass_gap(part.offset))
            for line in self._read_part(part):
                yield modified, line
        if is_whole and self._held:
            held, self._held = self._held, b""
            yield modified, held

    def skip(self, offset: int) -> None:
        """Read on from an offset."""
        self._at, self._held = offset, b""

    def _pass_gap(self, offset: int) -> Iterator[bytes]:
        n_bytes = offset - self._at
        held, self._held, self._at = self._held, b"", offset
        if held:
            yield held
        yield f"[log cut here: {n_bytes} bytes left out]".encode()

    def _read_part(self, part: _Part) -> Iterator[bytes]:
        for data in _blocks(self.objects, part, self._at - part.offset):
            self._at += len(data)
            *lines, self._held = (self._held + data).split(b"\n")
            yield from lines
            if len(self._held) > MAX_LINE_BYTES:
                held, self._held = self._held, b""
                yield held


def find_tail(objects: JobObjects, logs: list[DatumLog], n_lines: int) -> tuple[int, int]:
    """Return from which log on, and from which offset of it, there are more than ``n_lines``."""
    n_found = 0
    for number in range(len(logs) - 1, -1, -1):
        for part in reversed(logs[number].parts):
            n_found += sum(data.count(b"\n") for data in _blocks(objects, part, 0))
            if n_found > n_lines:
                return number, part.offset
    return 0, 0


def _blocks(objects: JobObjects, part: _Part, start: int) -> Iterator[bytes]:
    while start < part.size:
        try:
            data = objects.read(part.key, start=start, stop=min(part.size, start + BLOCK_BYTES))
        except NotFoundError:  # left out meanwhile: a gap when it is looked for again
            return
        if not data:
            return
        yield data
        start += len(data)

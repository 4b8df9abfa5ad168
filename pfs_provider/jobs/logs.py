"""What user code printed, line by line, readable while the job runs.

Must not know: how a log is cut into parts, how somebody names a job.
"""

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain

from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.inspection import get_job
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.log_parts import DatumLog, LogReader, find_tail, list_logs
from pfs_provider.jobs.log_selection import LogChoice

__all__ = ["LogLine", "follow_logs", "iter_logs", "read_logs", "read_standing_logs"]

FOLLOW_POLL_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line that user code printed. ``at`` is when its part of the log was stored last."""

    job: str
    datum: str
    at: datetime | None
    text: str


def read_logs(
    jobs: Jobs,
    ref: JobRef,
    datums: Collection[str] | None = None,
    *,
    since: datetime | None = None,
    tail: int | None = None,
) -> Iterator[LogLine]:
    """Yield what a job's datums printed, datum by datum.

    Args:
        jobs: Where.
        ref: Which job.
        datums: Of which datums; None means all.
        since: Only parts of logs that were stored later.
        tail: Only so many lines, the last of the datums that printed last; None means all.

    Raises:
        NotFoundError: ``job-not-found``.
    """
    get_job(jobs, ref)
    yield from _Reading(jobs, ref, datums, since).read(is_whole=True, tail=tail)


def follow_logs(
    jobs: Jobs,
    ref: JobRef,
    datums: Collection[str] | None = None,
    *,
    since: datetime | None = None,
    tail: int | None = None,
) -> Iterator[LogLine]:
    """Yield what is there, then what comes, until the job has ended. Arguments as above."""
    reading = _Reading(jobs, ref, datums, since)
    while True:
        ended = get_job(jobs, ref).has_ended
        yield from reading.read(is_whole=ended, tail=tail)
        if ended:
            return
        tail = None
        jobs.clock.sleep(FOLLOW_POLL_S)


def iter_logs(
    jobs: Jobs,
    chosen: Sequence[LogChoice],
    *,
    follow: bool = False,
    since: datetime | None = None,
    tail: int | None = None,
) -> Iterator[LogLine]:
    """Yield the lines of several jobs, one after the other; only the last one is followed.

    ``tail`` counts over all of them; where the last one is followed it is all of it.
    """
    if not chosen:
        return iter(())
    *others, last = chosen
    read = partial(read_logs, jobs, since=since, tail=tail)
    if follow:
        before = others if tail is None else []
        following = follow_logs(jobs, last.job, last.datums, since=since, tail=tail)
        return chain(chain.from_iterable(read(one.job, one.datums) for one in before), following)
    lines = chain.from_iterable(read(one.job, one.datums) for one in chosen)
    return lines if tail is None else iter(deque(lines, maxlen=tail))


def read_standing_logs(
    jobs: Jobs,
    ref: JobRef,
    *,
    follow: bool = False,
    since: datetime | None = None,
    tail: int | None = None,
) -> Iterator[LogLine]:
    """Yield what a command printed that belongs to no job; followed, it has no end."""
    reading = _Reading(jobs, ref, None, since)
    while True:
        yield from reading.read(is_whole=not follow, tail=tail)
        if not follow:
            return
        tail = None
        jobs.clock.sleep(FOLLOW_POLL_S)


@dataclass(slots=True)
class _Reading:
    """How far each datum's log has been read."""

    jobs: Jobs
    ref: JobRef
    datums: Collection[str] | None
    since: datetime | None
    readers: dict[str, LogReader] = field(default_factory=dict)

    def read(self, *, is_whole: bool, tail: int | None) -> Iterator[LogLine]:
        logs = list_logs(self.jobs.objects, self.ref, self.datums)
        if tail is None:
            return self._lines(logs, is_whole=is_whole)
        return iter(deque(self._last(list(logs), tail, is_whole=is_whole), maxlen=tail))

    def _last(self, logs: list[DatumLog], tail: int, *, is_whole: bool) -> Iterator[LogLine]:
        logs.sort(key=lambda log: (log.modified, log.datum))
        first, offset = find_tail(self.jobs.objects, logs, tail)
        for log in logs[:first]:
            self._reader(log).skip(log.end)
        if logs and offset:
            self._reader(logs[first]).skip(offset)
        return self._lines(iter(logs[first:]), is_whole=is_whole)

    def _lines(self, logs: Iterator[DatumLog], *, is_whole: bool) -> Iterator[LogLine]:
        for log in logs:
            for at, line in self._reader(log).read(log, is_whole=is_whole):
                for text in line.decode(errors="replace").splitlines() or [""]:
                    yield LogLine(job=self.ref.id, datum=log.datum, at=at, text=text)

    def _reader(self, log: DatumLog) -> LogReader:
        if log.datum not in self.readers:
            self.readers[log.datum] = LogReader(self.jobs.objects, self.since)
        return self.readers[log.datum]

"""Logs of user code: one object per datum that printed something, readable while the job runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pfs_provider.errors import NotFoundError
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.inspection import get_job
from pfs_provider.jobs.keys import JobRef

__all__ = ["LogLine", "follow_logs", "read_logs"]

FOLLOW_POLL_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line that user code printed. ``at`` is when its datum's log was stored last."""

    job: str
    datum: str
    at: datetime | None
    text: str


def read_logs(jobs: Jobs, ref: JobRef, datum: str | None = None) -> Iterator[LogLine]:
    """Yield what a job's datums printed, datum by datum. Raises NotFoundError ``job-not-found``."""
    get_job(jobs, ref)
    yield from _read(jobs, ref, datum, {}, is_whole=True)


def follow_logs(jobs: Jobs, ref: JobRef, datum: str | None = None) -> Iterator[LogLine]:
    """Yield what is there, then what comes, until the job has ended."""
    seen: dict[str, int] = {}
    while True:
        ended = get_job(jobs, ref).has_ended
        yield from _read(jobs, ref, datum, seen, is_whole=ended)
        if ended:
            return
        jobs.clock.sleep(FOLLOW_POLL_S)


def _read(
    jobs: Jobs, ref: JobRef, datum: str | None, seen: dict[str, int], *, is_whole: bool
) -> Iterator[LogLine]:
    """Yield the lines behind what was seen; one without its end waits until the log is whole."""
    prefix = ref.log(b"")
    for info in jobs.objects.list(prefix + (datum or "")):
        name = info.key.removeprefix(prefix)
        start = seen.get(name, 0)
        if info.size <= start:
            continue
        try:
            data = bytes(jobs.objects.read(info.key, start=start))
        except NotFoundError:
            continue
        if not is_whole:
            data = data[: data.rfind(b"\n") + 1]
        seen[name] = start + len(data)
        for line in data.decode(errors="replace").splitlines():
            yield LogLine(job=ref.id, datum=name, at=info.modified, text=line)

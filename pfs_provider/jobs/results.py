"""Reading what workers delivered: progress while they work, all results when they are done."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.records import PlanRecord, SetResult, decode
from pfs_provider.storage.stores.port import ObjectStore

__all__ = ["JobProgress", "ProgressReader", "read_results"]

READERS = 8
"""Results read at once; they are small, so this hides the store's latency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """How far a job's work is. ``beat`` changes while any worker lives."""

    sets: int
    sets_done: int
    total: int
    processed: int
    skipped: int
    recovered: int
    failed: int
    beat: str = ""

    @property
    def is_done(self) -> bool:
        """Whether every set has a result."""
        return self.sets_done >= self.sets


@dataclass(slots=True)
class ProgressReader:
    """Counts results as they come, each read once."""

    store: ObjectStore
    job: JobRef
    plan: PlanRecord
    _seen: set[str] = field(default_factory=set)
    _counts: dict[str, int] = field(
        default_factory=lambda: {"success": 0, "recovered": 0, "failed": 0}
    )

    def read(self) -> JobProgress:
        """Return how far the work is by now."""
        for info in self.store.list(self.job.results):
            if info.key not in self._seen:
                result = decode(self.store.read(info.key), SetResult, name=info.key)
                self._seen.add(info.key)  # only now: a read that fails is repeated, not skipped
                for datum in result.datums:
                    self._counts[datum.state] += 1
        return JobProgress(
            sets=len(self.plan.set_sizes),
            sets_done=len(self._seen),
            total=self.plan.total,
            skipped=self.plan.skipped,
            processed=self._counts["success"],
            recovered=self._counts["recovered"],
            failed=self._counts["failed"],
        )

    def read_with_beat(self) -> JobProgress:
        """Return how far the work is, with the workers' signs of life."""
        progress = self.read()
        beats = [
            f"{info.key}={bytes(self.store.read(info.key)).decode()}"
            for info in self.store.list(self.job.beat(""))
        ]
        return JobProgress(
            **{name: getattr(progress, name) for name in progress.__slots__ if name != "beat"},
            beat=" ".join([str(progress.sets_done), *beats]),
        )


def read_results(store: ObjectStore, job: JobRef, plan: PlanRecord) -> Iterator[SetResult]:
    """Yield the result of every set, in set order.

    Raises:
        ConflictError: ``job-not-ready``: a set has no result yet; work goes on first.
    """

    def read(number: int) -> SetResult:
        key = job.result(number)
        try:
            return decode(store.read(key), SetResult, name=key)
        except NotFoundError:
            raise ConflictError(
                ErrorCode.JOB_NOT_READY,
                f"{job}: set {number} of {len(plan.set_sizes)} has no result yet: "
                "let the workers finish (pfs job work)",
                job=str(job),
            ) from None

    # No further ahead than there are readers: results of a large job do not fit into memory.
    ahead: deque[Future[SetResult]] = deque()
    with ThreadPoolExecutor(READERS) as pool:
        for number in range(len(plan.set_sizes)):
            ahead.append(pool.submit(read, number))
            if len(ahead) > READERS:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()

"""When the work of a job is over, and what the job says of itself until then.

Invariants: memory does not grow with the job; time counts from the beginning of the wait. Must not
know: how workers or results are looked at, or who waits.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog.values import Job
from pfs_provider.errors import ConflictError
from pfs_provider.jobs.ending import send_home
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.launcher import WorkersState

__all__ = ["Verdict", "Watch", "begin_watch"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Work is over. ``problem`` says why it cannot go on; None: the job can be finished."""

    problem: str | None = None


@dataclass(slots=True, kw_only=True)
class Watch:
    """One job while its workers are at work; made by ``begin_watch``."""

    jobs: Jobs
    ref: JobRef
    job: Job
    """As it was when its reason was written last."""
    timeout_s: float | None
    deadline: float | None

    def judge(self, state: WorkersState, is_done: Callable[[], bool]) -> Verdict | None:
        """Return the verdict, None while work goes on; then the job tells the workers' notice.

        Args:
            state: How the workers are.
            is_done: Asked only when none is alive: they may have ended because all is done.
        """
        if state.problem is not None:
            return Verdict(state.problem)
        if state.alive == 0:
            if is_done():
                return Verdict()
            return Verdict("all workers ended before the work was done")
        if self.deadline is not None and self.jobs.clock.monotonic() > self.deadline:
            self._kill(f"the job ran longer than job_timeout ({self.timeout_s} s)")
            return Verdict()
        self._note(state.notice or "")
        return None

    def _note(self, notice: str) -> None:
        """Let the job say why it waits, and no longer once that has passed."""
        if notice == self.job.reason:
            return
        with suppress(ConflictError), self.jobs.versions.catalog.write() as tx:
            # It has ended meanwhile: whoever ended it said why.
            self.job = job_rows.set_job_state(
                tx,
                self.ref.pipeline,
                self.ref.id,
                "running",
                expected=("running",),
                reason=notice,
            )

    def _kill(self, reason: str) -> None:
        with self.jobs.versions.catalog.write() as tx:
            job_rows.stop_job(tx, self.ref.pipeline, self.ref.id, reason=reason)
        send_home(self.jobs, self.ref, reason)


def begin_watch(
    jobs: Jobs, ref: JobRef, *, timeout_s: float | None, waited_s: float = 0.0
) -> Watch:
    """Return a watch over a running job.

    Args:
        jobs: Where.
        ref: Which job.
        timeout_s: How long its work may take; None means for ever.
        waited_s: How long its workers have been watched before, by another process.
    """
    deadline = None if timeout_s is None else jobs.clock.monotonic() + timeout_s - waited_s
    with jobs.versions.catalog.read() as tx:
        job = job_rows.get_job(tx, ref.pipeline, ref.id)
    return Watch(jobs=jobs, ref=ref, job=job, timeout_s=timeout_s, deadline=deadline)

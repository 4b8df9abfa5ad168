"""One look after the other at a job whose workers run elsewhere, by whoever waits for it.

Invariants: memory does not grow with the job: results are counted, never read or kept. A look
renews the lease, so that a job is not taken from somebody who waits.
Must not know: where the workers run, or how long is between two looks.
"""

from dataclasses import dataclass

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.errors import ConflictError, NotFoundError
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.launcher import WorkersState
from pfs_provider.jobs.watching import Verdict, Watch

__all__ = ["Look", "Waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a job was found.

    Args:
        is_held: Whether this owner has it still, and it goes on.
        is_done: Whether every set has a result.
        n_done: Sets that have a result.
        n_sets: Sets of the plan.
    """

    is_held: bool
    is_done: bool
    n_done: int
    n_sets: int


@dataclass(slots=True, kw_only=True)
class Waiting:
    """Somebody's wait for a job. Its verbs block; call them from one thread at a time.

    Args:
        jobs: Where.
        ref: Which job.
        owner: Who holds it.
        lease_s: Seconds that each look keeps it for.
        n_sets: Sets of its plan.
        watch: Decides when work is over.
    """

    jobs: Jobs
    ref: JobRef
    owner: str
    lease_s: float
    n_sets: int
    watch: Watch

    def look(self) -> Look:
        """Renew the lease and return how the job is. Raises PfsError where nothing answers."""
        is_held = self._renew()
        n_done = self._count()
        return Look(
            is_held=is_held,
            is_done=n_done >= self.n_sets,
            n_done=n_done,
            n_sets=self.n_sets,
        )

    def judge(self, state: WorkersState) -> Verdict | None:
        """Return the verdict on work, None while it goes on. See Watch.judge."""
        return self.watch.judge(state, lambda: self._count() >= self.n_sets)

    def _renew(self) -> bool:
        try:
            with self.jobs.versions.catalog.write() as tx:
                job_rows.renew_lease(
                    tx, self.ref.pipeline, self.ref.id, owner=self.owner, lease_s=self.lease_s
                )
        except (ConflictError, NotFoundError):
            return False
        return True

    def _count(self) -> int:
        return sum(1 for _ in self.jobs.objects.list(self.ref.results))

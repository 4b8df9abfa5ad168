"""A job's way in steps that may happen in different processes: claim, begin, end.

Invariants: the same owner may take each step again and meets what the last try left: the claim, the
plan, the workers. What goes wrong in a step is settled here alone: what would fail for ever fails
the job, anything else gives it back.
Must not know: who waits between the steps, and how (runner.py blocks, an Airflow task sleeps).
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog import triggers
from pfs_provider.catalog.standing import list_standing
from pfs_provider.catalog.unrunnable import list_made_unrunnable
from pfs_provider.catalog.values import Job
from pfs_provider.errors import (
    ConflictError,
    CorruptDataError,
    ErrorCode,
    PfsError,
    RefusedError,
)
from pfs_provider.jobs.ending import send_home
from pfs_provider.jobs.finish import fail_job, finish_job
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.launcher import Launcher, Workers, check_supported
from pfs_provider.jobs.leases import keep_lease
from pfs_provider.jobs.owners import is_dead
from pfs_provider.jobs.plan import load_spec, plan_job
from pfs_provider.jobs.records import PlanRecord
from pfs_provider.jobs.standing_rules import refuse_standing
from pfs_provider.jobs.states import ACTIVE
from pfs_provider.jobs.ticks import put_due_ticks
from pfs_provider.refs.names import PipelineKey
from pfs_provider.spec.model import ParallelismSpec, PipelineSpec

__all__ = ["Begun", "Held", "Steps"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A job that is planned, with what it runs. Without sets there is nothing to be worked."""

    ref: JobRef
    spec: PipelineSpec
    plan: PlanRecord

    @property
    def has_work(self) -> bool:
        """Whether workers are needed."""
        return bool(self.plan.set_sizes)


@dataclass(slots=True)
class Held:
    """A job while its owner is at it. ``ended`` is the job once it has ended, whoever ended it."""

    ended: Job | None = None
    lost: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """One scheduler's way with jobs.

    Args:
        jobs: Where.
        launcher: How workers are started.
        owner: The scheduler's name; nobody else has it (owners.py).
        n_workers: Workers per job; None leaves it to each spec.
    """

    jobs: Jobs
    launcher: Launcher
    owner: str
    n_workers: int | None = None

    def fire_ticks(self) -> None:
        """Put the ticks that are due, and move the branches of cron triggers."""
        with self.jobs.versions.catalog.write() as tx:
            triggers.fire_cron(tx, self.jobs.clock.now())
        put_due_ticks(self.jobs.versions)

    def claim(
        self, pipeline: PipelineKey | None, *, may_stand: bool = False
    ) -> tuple[Job | None, bool]:
        """Return a job to run, and whether others run some, both as of the same moment.

        A job that nobody runs and nobody can have waits for a commit that is open still: perhaps
        for ever, so it is not waited for here.

        Raises:
            RefusedError: ``pipeline-stands``, unless it ``may_stand``: then there is no job.
        """
        others = False
        with self.jobs.versions.catalog.write() as tx:
            standing = list_standing(tx, stopped=True)  # their jobs have no end to wait for
            if pipeline is not None and not may_stand:
                refuse_standing(pipeline, standing)
            for job in job_rows.list_jobs(tx, pipeline, states=ACTIVE):
                if job.owner is None or job.owner == self.owner or job.pipeline in standing:
                    continue
                if is_dead(job.owner):
                    job_rows.release_job(tx, job.pipeline, job.id, owner=job.owner)
                else:
                    others = True
            claimed = job_rows.claim_job(
                tx, owner=self.owner, lease_s=self.jobs.lease_s, pipeline=pipeline
            )
        return claimed, others

    @contextmanager
    def hold(self, ref: JobRef, on_renewal: Callable[[], None] | None = None) -> Iterator[Held]:
        """Keep a claimed job while the block works on it, and settle what goes wrong there.

        A block that fails for good ends with ``held.ended`` set, and so does one whose job was
        ended by somebody else. ``on_renewal`` is called whenever the catalog has answered.

        Raises:
            ConflictError: ``lease-lost``: another scheduler has taken the job over, or it was
                deleted with its pipeline.
            PfsError: The store or the catalog fails; the job is given back and can be run again.
        """
        held = Held()
        try:
            with keep_lease(self.jobs, ref, self.owner, on_renewal) as lost:
                held.lost = lost
                yield held
        except (RefusedError, CorruptDataError) as error:
            # Repeating it would say the same for ever, and keep the jobs behind it waiting.
            held.ended = self.fail(ref, f"{error}")
        except ConflictError:
            if self._is_gone(ref):
                raise _taken_away(ref) from None
            ended = self.get(ref)
            if not ended.has_ended:
                self.give_back(ref)
                raise
            held.ended = self._send_home(ref, ended)
        except PfsError as error:
            if self._is_gone(ref):
                raise _taken_away(ref) from error
            self.give_back(ref, f"{error}")
            raise
        except BaseException:
            self.give_back(ref)
            raise

    def settled(self, ref: JobRef, held: Held) -> Job:
        """Return the job after a ``hold``, as it ended or as it is."""
        return self.get(ref) if held.ended is None else held.ended

    def begin(self, ref: JobRef) -> Begun:
        """Plan a claimed job, unless it has a plan, for workers that can do what it asks.

        Raises:
            RefusedError: ``spec-illegal``: these workers cannot give what the spec asks for.
        """
        spec = load_spec(self.jobs, self.get(ref))[0]
        if self.n_workers is not None:
            spec = replace(spec, parallelism_spec=ParallelismSpec(constant=self.n_workers))
        check_supported(self.launcher, spec)
        plan = plan_job(self.jobs, ref, n_workers=self.n_workers)
        return Begun(ref=ref, spec=spec, plan=plan)

    def do_others_work(self, pipeline: PipelineKey | None) -> bool:
        """Return whether another scheduler holds a job, so that waiting for it has an end."""
        with self.jobs.versions.catalog.read() as tx:
            standing = list_standing(tx, stopped=True)
            return any(
                job.owner is not None
                and job.pipeline not in standing
                and job.owner != self.owner
                and not is_dead(job.owner)
                and job.lease_until is not None
                and job.lease_until > tx.now
                for job in job_rows.list_jobs(tx, pipeline, states=ACTIVE)
            )

    def launch(self, begun: Begun) -> Workers:
        """Start the workers of a begun job, or adopt those that run. Raises as the launcher."""
        return self.launcher.launch(begun.ref, begun.spec, begun.plan.workers)

    def end(self, ref: JobRef, problem: str | None, *, is_lost: bool = False) -> Job:
        """End a job whose work is over, and return it.

        Args:
            ref: Which job.
            problem: Why its work cannot go on; None if every set has a result.
            is_lost: Whether the lease was lost, so that only a job that has ended counts.

        Raises:
            ConflictError: ``lease-lost``: another scheduler runs it by now; ``job-not-ready``: not
                every set has a result.
        """
        if problem is not None:
            return self.fail(ref, problem)
        if is_lost:
            job = self.get(ref)
            if not job.has_ended:
                raise ConflictError(
                    ErrorCode.LEASE_LOST, f"{ref} is run by {job.owner} by now", job=str(ref)
                )
            return self._send_home(ref, job)
        return finish_job(self.jobs, ref)

    def fail(self, ref: JobRef, reason: str) -> Job:
        """End a job that cannot be worked; one that has ended stays as it is."""
        with self.jobs.versions.catalog.write() as tx:
            failed = fail_job(tx, ref, reason)
        return self._send_home(ref, failed)

    def give_back(self, ref: JobRef, reason: str = "") -> None:
        """Let others have a job, at once where the catalog answers."""
        # Else the lease runs out by itself; the first error is the one to tell.
        with suppress(PfsError), self.jobs.versions.catalog.write() as tx:
            job_rows.release_job(tx, ref.pipeline, ref.id, owner=self.owner, reason=reason)

    def get(self, ref: JobRef) -> Job:
        """Return the job as it is. Raises NotFoundError ``job-not-found``."""
        with self.jobs.versions.catalog.read() as tx:
            return job_rows.get_job(tx, ref.pipeline, ref.id)

    def find(self, ref: JobRef) -> Job | None:
        """Return the job as it is, None if it was deleted with its pipeline or its commit."""
        with self.jobs.versions.catalog.read() as tx:
            return job_rows.find_job(tx, ref.pipeline, ref.id)

    def list_unrunnable(self, ended: Job, pipeline: PipelineKey | None) -> tuple[Job, ...]:
        """Return the jobs, of a pipeline or of all, that cannot be run because of how one ended."""
        if ended.state == "success":
            return ()
        with self.jobs.versions.catalog.read() as tx:
            found = list_made_unrunnable(tx, ended)
        return tuple(job for job in found if pipeline in {None, job.pipeline})

    def _is_gone(self, ref: JobRef) -> bool:
        try:
            return self.find(ref) is None
        except PfsError:
            return False  # the catalog fails, which is what went wrong

    def _send_home(self, ref: JobRef, ended: Job) -> Job:
        """Tell the workers of an ended job; only then, or nobody could work it again."""
        return send_home(self.jobs, ref, ended.reason)


def _taken_away(ref: JobRef) -> ConflictError:
    return ConflictError(ErrorCode.LEASE_LOST, f"{ref} was deleted while it ran", job=str(ref))

"""The embedded scheduler: takes one ready job after the other through plan, work and finish.

Invariants: it returns when no job is ready or in work; a job that another scheduler holds is waited
for, and taken over when that one is gone. What went wrong with one job is recorded there, and the
next one runs.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog import triggers
from pfs_provider.catalog.values import Job
from pfs_provider.errors import ConflictError, CorruptDataError, ErrorCode, PfsError, RefusedError
from pfs_provider.infos import JobInfo
from pfs_provider.jobs.finish import fail_job, finish_job
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.launcher import Launcher, check_supported
from pfs_provider.jobs.leases import keep_lease
from pfs_provider.jobs.owners import is_dead
from pfs_provider.jobs.plan import load_spec, plan_job
from pfs_provider.jobs.results import JobProgress, ProgressReader
from pfs_provider.jobs.states import ACTIVE
from pfs_provider.jobs.ticks import put_due_ticks
from pfs_provider.refs.names import PipelineKey
from pfs_provider.spec.model import ParallelismSpec, PipelineSpec

__all__ = ["Runner"]

POLL_S = 0.2
WATCH_POLL_S = 1.0

OnProgress = Callable[[JobInfo], None]


@dataclass(slots=True, kw_only=True)
class Runner:
    """One scheduler.

    Args:
        jobs: Where.
        launcher: How workers are started.
        owner: This scheduler's name; nobody else has it (owners.py).
        n_workers: Workers per job; None leaves it to each spec.
        on_progress: Told of a job whenever its counts or its state change.
        on_turn: Called whenever the catalog has answered or workers were looked at, from this
            thread or another: while it is called, this scheduler is alive.
    """

    jobs: Jobs
    launcher: Launcher
    owner: str
    n_workers: int | None = None
    on_progress: OnProgress | None = None
    on_turn: Callable[[], None] | None = None

    def run_ready(self, pipeline: PipelineKey | None = None) -> Iterator[Job]:
        """Run jobs until none is ready or in work, and yield each one that this scheduler ended.

        First the ticks that are due are put, and cron triggers move their branches.
        """
        self._fire_ticks()
        while True:
            job, others_work = self._claim(pipeline)
            self._turn()
            if job is not None:
                yield from self._run_claimed(job)
            elif others_work:
                self.jobs.clock.sleep(POLL_S)
            else:
                return

    def watch(self, pipeline: PipelineKey | None = None) -> Iterator[Job]:
        """Run jobs and fire cron triggers for ever, and yield each job that ended."""
        while True:
            self._fire_ticks()
            job, _ = self._claim(pipeline)
            self._turn()
            if job is None:
                self.jobs.clock.sleep(WATCH_POLL_S)
            else:
                yield from self._run_claimed(job)

    def _fire_ticks(self) -> None:
        with self.jobs.versions.catalog.write() as tx:
            triggers.fire_cron(tx, self.jobs.clock.now())
        put_due_ticks(self.jobs.versions)

    def run_job(self, job: Job) -> Job:
        """Take one claimed job to its end and return it; whoever ended it meanwhile, it is ended.

        Raises:
            ConflictError: ``lease-lost``: another scheduler has taken the job over.
            PfsError: The store or the catalog fails; the job is given back and can be run again.
        """
        ref = JobRef(job.pipeline, job.id)
        try:
            with keep_lease(self.jobs, ref, self.owner, self.on_turn) as lost:
                return self._run(ref, lost.is_set)
        except (RefusedError, CorruptDataError) as error:
            # Repeating it would say the same for ever, and keep the jobs behind it waiting.
            return self._fail(ref, f"{error}")
        except ConflictError:
            ended = self._get(ref)
            if ended.has_ended:
                return self._end(ref, ended)
            self._give_back(ref)
            raise
        except PfsError as error:
            self._give_back(ref, f"{error}")
            raise
        except BaseException:
            self._give_back(ref)
            raise

    def _run(self, ref: JobRef, lost: Callable[[], bool]) -> Job:
        spec = self._spec(ref)
        check_supported(self.launcher, spec)
        plan = plan_job(self.jobs, ref, n_workers=self.n_workers)
        reader = ProgressReader(self.jobs.objects, ref, plan)
        if plan.set_sizes:
            problem = self._work(ref, spec, reader, lost)
            if problem is not None:
                return self._fail(ref, problem)
        if lost():
            job = self._get(ref)
            if not job.has_ended:
                raise ConflictError(
                    ErrorCode.LEASE_LOST, f"{ref} is run by {job.owner} by now", job=str(ref)
                )
            return self._end(ref, job)
        return self._tell(finish_job(self.jobs, ref), reader.read())

    def _spec(self, ref: JobRef) -> PipelineSpec:
        """Return what the job runs, with the number of workers that was asked for."""
        spec = load_spec(self.jobs, self._get(ref))[0]
        if self.n_workers is None:
            return spec
        return replace(spec, parallelism_spec=ParallelismSpec(constant=self.n_workers))

    def _work(
        self, ref: JobRef, spec: PipelineSpec, reader: ProgressReader, lost: Callable[[], bool]
    ) -> str | None:
        """Let workers work until all is done; return why it cannot be, else None."""
        job = self._get(ref)
        timeout_s = spec.job_timeout_s
        deadline = None if timeout_s is None else self.jobs.clock.monotonic() + timeout_s
        workers = self.launcher.launch(ref, spec, reader.plan.workers)
        try:
            while True:
                progress = reader.read()
                self._tell(job, progress)
                if progress.is_done or lost():
                    return None
                state = workers.poll()
                self._turn()
                if state.problem is not None:
                    return state.problem
                if state.alive == 0 and not reader.read().is_done:
                    return "all workers ended before the work was done"
                if deadline is not None and self.jobs.clock.monotonic() > deadline:
                    self._kill(ref, f"the job ran longer than job_timeout ({timeout_s} s)")
                    return None
                job = self._note(job, ref, state.notice or "")
                self.jobs.clock.sleep(POLL_S)
        finally:
            workers.stop()

    def _note(self, job: Job, ref: JobRef, notice: str) -> Job:
        """Let the job say why it waits, and no longer once that has passed."""
        if notice == job.reason:
            return job
        with suppress(ConflictError), self.jobs.versions.catalog.write() as tx:
            # It has ended meanwhile: whoever ended it said why.
            return job_rows.set_job_state(
                tx, ref.pipeline, ref.id, "running", expected=("running",), reason=notice
            )
        return job

    def _claim(self, pipeline: PipelineKey | None) -> tuple[Job | None, bool]:
        """Return a job to run, and whether others run some, both as of the same moment.

        A job that nobody runs and nobody can have waits for a commit that is open still: perhaps
        for ever, so it is not waited for here.
        """
        others = False
        with self.jobs.versions.catalog.write() as tx:
            for job in job_rows.list_jobs(tx, pipeline, states=ACTIVE):
                if job.owner is None or job.owner == self.owner:
                    continue
                if is_dead(job.owner):
                    job_rows.release_job(tx, job.pipeline, job.id, owner=job.owner)
                else:
                    others = True
            claimed = job_rows.claim_job(
                tx, owner=self.owner, lease_s=self.jobs.lease_s, pipeline=pipeline
            )
        return claimed, others

    def _turn(self) -> None:
        if self.on_turn is not None:
            self.on_turn()

    def _get(self, ref: JobRef) -> Job:
        with self.jobs.versions.catalog.read() as tx:
            return job_rows.get_job(tx, ref.pipeline, ref.id)

    def _kill(self, ref: JobRef, reason: str) -> None:
        with self.jobs.versions.catalog.write() as tx:
            job_rows.stop_job(tx, ref.pipeline, ref.id, reason=reason)
        self.jobs.objects.create(ref.stop, reason.encode())

    def _fail(self, ref: JobRef, reason: str) -> Job:
        with self.jobs.versions.catalog.write() as tx:
            failed = fail_job(tx, ref, reason)
        return self._end(ref, failed)

    def _end(self, ref: JobRef, ended: Job) -> Job:
        """Send the workers of an ended job home; only then, or nobody could work it again."""
        self.jobs.objects.create(ref.stop, ended.reason.encode())
        if self.on_progress is not None:
            self.on_progress(ended.info())
        return ended

    def _run_claimed(self, job: Job) -> Iterator[Job]:
        try:
            ended = self.run_job(job)
        except ConflictError as error:
            if error.code != ErrorCode.LEASE_LOST:
                raise
        else:
            yield ended

    def _give_back(self, ref: JobRef, reason: str = "") -> None:
        try:
            with self.jobs.versions.catalog.write() as tx:
                job_rows.release_job(tx, ref.pipeline, ref.id, owner=self.owner, reason=reason)
        except PfsError:
            pass  # the lease runs out by itself; the first error is the one to tell

    def _tell(self, job: Job, progress: JobProgress) -> Job:
        if self.on_progress is not None:
            info = job.info()
            if not job.has_ended:
                info = replace(
                    info,
                    state="running",
                    total=progress.total,
                    processed=progress.processed,
                    skipped=progress.skipped,
                    recovered=progress.recovered,
                    failed=progress.failed,
                )
            self.on_progress(info)
        return job

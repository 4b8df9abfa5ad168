"""The embedded scheduler: takes one ready job after the other through plan, work and finish.

Invariants: it returns when no job is ready or in work; a job that another scheduler holds is waited
for, and taken over when that one is gone. What went wrong with one job is recorded there, and the
next one runs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pfs_provider.catalog.values import Job
from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.infos import JobInfo
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.launcher import Launcher, Workers
from pfs_provider.jobs.results import JobProgress, ProgressReader
from pfs_provider.jobs.steps import Begun, Steps
from pfs_provider.jobs.watching import begin_watch
from pfs_provider.refs.names import PipelineKey

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

        Those that a failed one has made unrunnable come behind it.
        First the ticks that are due are put, and cron triggers move their branches.
        """
        self._steps.fire_ticks()
        while True:
            job, others_work = self._steps.claim(pipeline)
            self._turn()
            if job is not None:
                yield from self._run_claimed(job, pipeline)
            elif others_work:
                self.jobs.clock.sleep(POLL_S)
            else:
                return

    def watch(self, pipeline: PipelineKey | None = None) -> Iterator[Job]:
        """Run jobs and fire cron triggers for ever, and yield each job that ended."""
        while True:
            self._steps.fire_ticks()
            job, _ = self._steps.claim(pipeline, may_stand=True)
            self._turn()
            if job is None:
                self.jobs.clock.sleep(WATCH_POLL_S)
            else:
                yield from self._run_claimed(job, pipeline)

    def run_job(self, job: Job) -> Job:
        """Take one claimed job to its end and return it; whoever ended it meanwhile, it is ended.

        Raises:
            ConflictError: ``lease-lost``: another scheduler has taken the job over.
            PfsError: The store or the catalog fails; the job is given back and can be run again.
        """
        ref, steps = JobRef(job.pipeline, job.id), self._steps
        with steps.hold(ref, self.on_turn) as held:
            begun = steps.begin(ref)
            problem = self._work(begun, held.lost.is_set) if begun.has_work else None
            held.ended = steps.end(ref, problem, is_lost=held.lost.is_set())
        ended = steps.settled(ref, held)
        if self.on_progress is not None:
            self.on_progress(ended.info())
        return ended

    @property
    def _steps(self) -> Steps:
        return Steps(
            jobs=self.jobs, launcher=self.launcher, owner=self.owner, n_workers=self.n_workers
        )

    def _work(self, begun: Begun, lost: Callable[[], bool]) -> str | None:
        """Let workers work until all is done; return why it cannot be, else None."""
        workers = self._steps.launch(begun)
        try:
            problem = self._follow(begun, workers, lost)
        except SystemExit:  # SIGTERM: this scheduler is replaced, and its successor takes them over
            workers.leave()
            raise
        except BaseException:
            workers.stop()
            raise
        if lost() and (job := self._steps.find(begun.ref)) is not None and not job.has_ended:
            workers.leave()  # to the one who has it now
        else:
            workers.stop()
        return problem

    def _follow(self, begun: Begun, workers: Workers, lost: Callable[[], bool]) -> str | None:
        reader = ProgressReader(self.jobs.objects, begun.ref, begun.plan)
        watch = begin_watch(self.jobs, begun.ref, timeout_s=begun.spec.job_timeout_s)
        while True:
            progress = reader.read()
            self._tell(watch.job, progress)
            if progress.is_done or lost():
                return None
            state = workers.poll()
            self._turn()
            verdict = watch.judge(state, lambda: reader.read().is_done)
            if verdict is not None:
                return verdict.problem
            self.jobs.clock.sleep(POLL_S)

    def _turn(self) -> None:
        if self.on_turn is not None:
            self.on_turn()

    def _run_claimed(self, job: Job, pipeline: PipelineKey | None) -> Iterator[Job]:
        try:
            ended = self.run_job(job)
        except ConflictError as error:
            if error.code != ErrorCode.LEASE_LOST:
                raise
        else:
            yield ended
            for behind in self._steps.list_unrunnable(ended, pipeline):
                if self.on_progress is not None:
                    self.on_progress(behind.info())
                yield behind

    def _tell(self, job: Job, progress: JobProgress) -> None:
        if self.on_progress is not None:
            self.on_progress(
                replace(
                    job.info(),
                    state="running",
                    total=progress.total,
                    processed=progress.processed,
                    skipped=progress.skipped,
                    recovered=progress.recovered,
                    failed=progress.failed,
                )
            )

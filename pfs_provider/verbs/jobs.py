"""Verbs over jobs: for people, and the three that any scheduler calls."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pfs_provider.catalog import events, history, lineage, pipelines
from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog.standing import list_standing
from pfs_provider.catalog.values import ENDED_JOB_STATES, Event, Job, JobState
from pfs_provider.clock import RandomIds
from pfs_provider.errors import ConflictError, ErrorCode, RefusedError, UnavailableError
from pfs_provider.infos import CommitInfo, DatumInfo, JobInfo
from pfs_provider.jobs import inspection
from pfs_provider.jobs.datum_choice import DatumChoice
from pfs_provider.jobs.ending import send_home
from pfs_provider.jobs.finish import fail_job, finish_job
from pfs_provider.jobs.keys import JobRef, parse_job_ref, parse_pipeline_key
from pfs_provider.jobs.launcher import Workers, check_supported
from pfs_provider.jobs.lineage import FileLink, file_provenance, file_subvenance
from pfs_provider.jobs.log_selection import select_logs
from pfs_provider.jobs.logs import LogLine, iter_logs, read_standing_logs
from pfs_provider.jobs.owners import new_owner
from pfs_provider.jobs.plan import load_spec, plan_job
from pfs_provider.jobs.queue import read_plan
from pfs_provider.jobs.restarts import restart_datums
from pfs_provider.jobs.results import JobProgress, ProgressReader
from pfs_provider.jobs.runner import Runner
from pfs_provider.jobs.since import Since, parse_since
from pfs_provider.jobs.spout import find_spout
from pfs_provider.jobs.standing import Standing
from pfs_provider.jobs.standing_rules import refuse_standing, warn_of_standing
from pfs_provider.refs.addresses import parse_address
from pfs_provider.spec.load import load_specs
from pfs_provider.verbs.pipelines import SpecSource
from pfs_provider.verbs.session import Session, check_workers
from pfs_provider.verbs.stored_defaults import stored_defaults

__all__ = ["JobVerbs", "PlanInfo"]

WAIT_POLL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInfo:
    """What a plan says: how many workers are useful, and how much there is to do."""

    job: str
    workers: int
    sets: int
    total: int
    skipped: int


class JobVerbs(Session):
    """Jobs, their datums, logs and lineage."""

    def run(  # noqa: PLR0913 each is one choice of the person
        self,
        pipeline: str | None = None,
        *,
        watch: bool = False,
        workers: int | None = None,
        executor: str = "process",
        launcher: str = "local",
        cluster: Mapping[str, Any] | None = None,
        owner: str | None = None,
        on_progress: Callable[[JobInfo], None] | None = None,
        on_turn: Callable[[], None] | None = None,
    ) -> list[JobInfo]:
        """Run jobs until none is ready or in work, and return those that ended here.

        Args:
            pipeline: Only jobs of this one; None means all.
            watch: Go on for ever.
            workers: Workers per job; None leaves it to each spec.
            executor: How workers on this machine run user code: ``process`` or ``container``.
            launcher: Where workers run: ``local``, on this machine, or ``kubernetes``.
            cluster: More for Kubernetes, stronger than the settings: names as ``PFS_K8S_…`` has
                them, in lower case (``namespace``, ``worker_image``, …).
            owner: Whoever runs, by a name that a retry has too and nobody else; None means this
                process.
            on_progress: Told of a job whenever its counts or its state may have changed.
            on_turn: Called while this scheduler is alive: some seconds apart, from any thread.

        Raises:
            RefusedError: ``settings-illegal``: no such executor or launcher, or no workers;
                ``pipeline-stands``: only ``watch`` keeps it up.
            PfsError: The store, the catalog or the cluster fails; the job is given back. A failed
                job is no error here: see its state.
        """
        key = None if pipeline is None else parse_pipeline_key(pipeline)
        check_workers(workers)
        starter = self._engine.launcher(launcher, executor=executor, cluster=cluster)
        runner = Runner(
            jobs=self._jobs,
            launcher=starter,
            owner=owner or new_owner(RandomIds()),
            n_workers=workers or self._engine.settings.workers,
            on_progress=on_progress,
            on_turn=on_turn,
        )
        with self._versions.catalog.read() as tx:
            if key is not None:
                pipelines.get_pipeline(tx, key)
            standing = list_standing(tx)
        if watch and launcher == "kubernetes":
            refuse_standing(key, standing)
            warn_of_standing(standing)
            deque(runner.watch(key), maxlen=0)  # never ends by itself
        if watch:
            with Standing(jobs=self._jobs, launcher=starter, owner=runner.owner, only=key):
                deque(runner.watch(key), maxlen=0)  # never ends by itself
        if key is None:
            warn_of_standing(standing)
        return [job.info() for job in runner.run_ready(key)]

    def list_jobs(
        self,
        pipeline: str | None = None,
        *,
        states: Sequence[JobState] | None = None,
        limit: int | None = None,
    ) -> list[JobInfo]:
        """Return jobs, newest first: of one pipeline or of all, in these states or in any.

        Raises:
            NotFoundError: ``pipeline-not-found``.
        """
        key = None if pipeline is None else parse_pipeline_key(pipeline)
        with self._versions.catalog.read() as tx:
            if key is not None:
                pipelines.get_pipeline(tx, key)
            return [job.info() for job in job_rows.list_jobs(tx, key, states=states, limit=limit)]

    def inspect_job(self, job: str) -> JobInfo:
        """Return one job, ``pipeline@id``, with its counts so far."""
        ref = parse_job_ref(job)
        return self._with_progress(inspection.get_job(self._jobs, ref), ref)

    def wait_job(self, job: str, *, timeout: float | None = None) -> JobInfo:
        """Return a job when it has ended, whoever runs it and however it ended.

        Args:
            job: ``pipeline@id``.
            timeout: Seconds; None waits for ever.

        Raises:
            NotFoundError: ``job-not-found``: there is none, or it was deleted meanwhile.
            UnavailableError: ``timed-out``: it has not ended in time.
        """
        clock = self._versions.clock
        end = None if timeout is None else clock.monotonic() + timeout
        while (found := self.inspect_job(job)).state not in ENDED_JOB_STATES:
            if end is not None and clock.monotonic() > end:
                raise UnavailableError(
                    ErrorCode.TIMED_OUT,
                    f"{job} is {found.state} after {timeout} s: is something running it?",
                    job=job,
                )
            clock.sleep(WAIT_POLL_S)
        return found

    def stop_job(self, job: str) -> JobInfo:
        """Kill a job; its workers stop by themselves, its output commit ends with an error."""
        ref = parse_job_ref(job)
        with self._versions.catalog.write() as tx:
            stopped = job_rows.stop_job(tx, ref.pipeline, ref.id, reason="stopped by a user")
        return send_home(self._jobs, ref, stopped.reason).info()

    def restart_datum(
        self, job: str, *, datum: str | None = None, inputs: Sequence[str] = ()
    ) -> list[DatumInfo]:
        """End the user code of datums at work and have it begin again; the try does not count.

        Args:
            job: ``pipeline@id``.
            datum: The one of this id.
            inputs: Those that have each of these files, ``[REPO:]/PATH``.

        Returns:
            The datums that were restarted: of those that are meant, all at work.

        Raises:
            NotFoundError: ``job-not-found`` or ``datum-not-found``.
            ConflictError: ``job-finished``, or ``datum-not-running``.
            RefusedError: ``path-illegal``: an input is no path.
        """
        choice = DatumChoice(datum=datum, inputs=inputs)
        return restart_datums(self._jobs, parse_job_ref(job), choice)

    def list_datums(self, job: str) -> Iterator[DatumInfo]:
        """Yield the datums of ``pipeline@id``."""
        return inspection.list_datums(self._jobs, parse_job_ref(job))

    def preview_datums(self, spec: SpecSource) -> Iterator[DatumInfo]:
        """Yield the datums that a spec would have on the heads of its inputs by now."""
        for loaded in load_specs(spec, defaults=stored_defaults(self._versions.catalog)):
            yield from inspection.preview_datums(self._jobs, loaded.spec)

    def logs(  # noqa: PLR0913 each narrows the choice
        self,
        pipeline: str | None = None,
        *,
        job: str | None = None,
        datum: str | None = None,
        follow: bool = False,
        since: Since | None = None,
        tail: int | None = None,
        inputs: Sequence[str] = (),
    ) -> Iterator[LogLine]:
        """Yield what user code printed: of one job, or of a pipeline's newest that ran a datum.

        Args:
            pipeline: Which pipeline; None means any.
            job: ``pipeline@id``.
            datum: Only of this datum.
            follow: Go on until the job has ended.
            since: Only what was stored later, of all the pipeline's jobs unless one is named: how
                long ago (``90s``, ``1h30m``, ``2d``) or a moment.
            tail: Only so many lines, the last.
            inputs: Only of datums that have each of these files: ``[REPO:]/PATH``.

        Raises:
            NotFoundError: ``pipeline-not-found``, ``job-not-found``, ``datum-not-found``.
            RefusedError: ``time-illegal``, ``path-illegal``; ``settings-illegal``: a negative
                ``tail``.
        """
        if tail is not None and tail < 0:
            raise RefusedError(
                ErrorCode.SETTINGS_ILLEGAL, f"tail {tail} is no number of lines: use 0 or more"
            )
        key = None if pipeline is None else parse_pipeline_key(pipeline)
        start = None if since is None else parse_since(since, now=self._jobs.clock.now())
        spout = None if key is None or job is not None else find_spout(self._jobs, key)
        if spout is not None:
            return read_standing_logs(self._jobs, spout, follow=follow, since=start, tail=tail)
        chosen = select_logs(
            self._jobs,
            key,
            job=None if job is None else parse_job_ref(job),
            datum=datum,
            inputs=inputs,
            since=start,
        )
        return iter_logs(self._jobs, chosen, follow=follow, since=start, tail=tail)

    def provenance(self, address: str) -> "list[CommitInfo] | list[FileLink]":
        """Return what a commit was made of, nearest first; with ``:/path`` the files."""
        parsed = parse_address(address)
        if parsed.path is not None:
            return list(file_provenance(self._jobs, parsed))
        with self._versions.catalog.read() as tx:
            commit = history.resolve_commit(tx, parsed)
            return [found.info() for found in lineage.provenance_of(tx, commit)]

    def subvenance(self, address: str) -> "list[CommitInfo] | list[FileLink]":
        """Return what was made of a commit, nearest first; with ``:/path`` the files."""
        parsed = parse_address(address)
        if parsed.path is not None:
            return list(file_subvenance(self._jobs, parsed))
        with self._versions.catalog.read() as tx:
            commit = history.resolve_commit(tx, parsed)
            return [found.info() for found in lineage.subvenance_of(tx, commit)]

    def list_events(self, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """Return events with a number above ``after``, in order."""
        with self._versions.catalog.read() as tx:
            return list(events.list_events(tx, after=after, limit=limit))

    def last_event_number(self) -> int:
        """Return the number of the newest event, 0 before the first."""
        with self._versions.catalog.read() as tx:
            return events.last_event_number(tx)

    def claim_job(
        self, pipeline: str | None = None, *, owner: str, lease_s: float | None = None
    ) -> JobInfo | None:
        """Take a ready job for an owner; the same owner gets the same job again.

        Args:
            pipeline: Of which pipeline; None means any.
            owner: A name that a retry of the same work has too.
            lease_s: Seconds that the claim lasts; claiming again renews it.

        Returns:
            The job, or None if none is ready.

        Raises:
            RefusedError: ``pipeline-stands``: it is a service or a spout.
        """
        key = None if pipeline is None else parse_pipeline_key(pipeline)
        with self._versions.catalog.write() as tx:
            if key is not None:
                refuse_standing(key, list_standing(tx, key, stopped=True))
            job = job_rows.claim_job(
                tx, owner=owner, lease_s=lease_s or self._jobs.lease_s, pipeline=key
            )
        return None if job is None else job.info()

    def plan_job(self, job: str, *, workers: int | None = None) -> PlanInfo:
        """Plan a claimed job; planned again it is the same plan."""
        plan = plan_job(self._jobs, parse_job_ref(job), n_workers=workers)
        return PlanInfo(
            job=job,
            workers=plan.workers,
            sets=len(plan.set_sizes),
            total=plan.total,
            skipped=plan.skipped,
        )

    def launch_job(
        self,
        job: str,
        *,
        workers: int | None = None,
        executor: str = "process",
        detach: bool = False,
        launcher: str = "local",
        cluster: Mapping[str, Any] | None = None,
    ) -> Workers:
        """Start the workers of a planned job.

        Args:
            job: ``pipeline@id``.
            workers: How many; None means as many as the plan finds useful.
            executor: How workers on this machine run user code.
            detach: Let the workers outlive this process, as those on Kubernetes always do.
            launcher: ``local`` or ``kubernetes``.
            cluster: As for ``run``.

        Raises:
            ConflictError: ``job-not-ready``: it has no plan.
            RefusedError: ``spec-illegal``: the spec asks for what these workers cannot give.
        """
        ref = parse_job_ref(job)
        plan = read_plan(self._jobs.objects, ref)
        if plan is None:
            raise ConflictError(
                ErrorCode.JOB_NOT_READY, f"{job} has no plan yet: plan it first", job=job
            )
        check_workers(workers)
        starter = self._engine.launcher(
            launcher,
            executor=executor,
            stay=detach,
            name=RandomIds().new_id()[:8],
            cluster=cluster,
        )
        spec = load_spec(self._jobs, inspection.get_job(self._jobs, ref))[0]
        check_supported(starter, spec)
        n_workers = min(workers or plan.workers, max(1, len(plan.set_sizes)))
        return starter.launch(ref, spec, n_workers)

    def job_progress(self, job: str) -> JobProgress:
        """Return how far a planned job's work is, as the store tells."""
        ref = parse_job_ref(job)
        plan = read_plan(self._jobs.objects, ref)
        if plan is None:
            raise ConflictError(
                ErrorCode.JOB_NOT_READY, f"{job} has no plan yet: plan it first", job=job
            )
        return ProgressReader(self._jobs.objects, ref, plan).read_with_beat()

    def finish_job(self, job: str) -> JobInfo:
        """End a job whose work is done; harmless when it has ended."""
        return finish_job(self._jobs, parse_job_ref(job)).info()

    def fail_job(self, job: str, reason: str) -> JobInfo:
        """End a job that cannot be worked, with the reason."""
        ref = parse_job_ref(job)
        with self._versions.catalog.write() as tx:
            failed = fail_job(tx, ref, reason)
        return send_home(self._jobs, ref, failed.reason).info()

    def _with_progress(self, job: Job, ref: JobRef) -> JobInfo:
        plan = None if job.has_ended else read_plan(self._jobs.objects, ref)
        if plan is None:
            return job.info()
        progress = ProgressReader(self._jobs.objects, ref, plan).read()
        return replace(
            job.info(),
            total=progress.total,
            processed=progress.processed,
            skipped=progress.skipped,
            recovered=progress.recovered,
            failed=progress.failed,
        )

"""Verbs for the steps of an Argo workflow: begin a job, finish it, settle what is left behind.

Invariants: a workflow claims under its uid, so that a retry of any step meets what the last try
left. One workflow of a namespace runs a pipeline at a time (a mutex sees to it), so the next one
takes over at once what a terminated one held; other schedulers do when its short lease, which the
step ``keep`` renews, has run out. Whoever fails before workers start leaves nothing.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pfs_provider.argo.names import owner_name, owner_scope
from pfs_provider.argo.work import ArgoLauncher, Work, Workplace, render_work
from pfs_provider.catalog import commits, pipelines
from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog.standing import list_standing
from pfs_provider.catalog.values import Job
from pfs_provider.errors import (
    ConflictError,
    ErrorCode,
    FailedError,
    NotFoundError,
    PfsError,
    RefusedError,
)
from pfs_provider.infos import JobInfo
from pfs_provider.jobs.inspection import get_job
from pfs_provider.jobs.keys import JobRef, parse_job_ref, parse_pipeline_key
from pfs_provider.jobs.plan import load_spec
from pfs_provider.jobs.standing_rules import refuse_standing
from pfs_provider.jobs.states import ACTIVE
from pfs_provider.jobs.steps import Steps
from pfs_provider.k8s.cluster import make_cluster
from pfs_provider.k8s.pods import StoreAccess
from pfs_provider.refs.ids import CommitId, parse_id
from pfs_provider.refs.names import PipelineKey
from pfs_provider.verbs.jobs import JobVerbs
from pfs_provider.verbs.keeping import Keeping
from pfs_provider.verbs.session import check_workers
from pfs_provider.verbs.steps import StepVerbs

if TYPE_CHECKING:
    from pfs_provider.argo.starts import Starts

__all__ = ["BEGIN_LEASE_S", "Begun", "Stay", "WorkflowVerbs"]

STORE_SECRET = "pfs-store"  # noqa: S105 the name of a Secret
"""As deploy/ has it."""
BEGIN_LEASE_S = 900.0
"""Seconds that a job is kept until ``keep`` has started: as long as a pod may take to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Where a workflow's step runs.

    Args:
        namespace: The workflow's.
        workflow: Its name.
        uid: Its uid.
        node: The step's name in it.
    """

    namespace: str
    workflow: str
    uid: str
    node: str = ""

    @property
    def owner(self) -> str:
        """The name under which the workflow claims jobs."""
        return owner_name(self.namespace, self.uid)

    def facts(self) -> dict[str, object]:
        """Return the external run that provenance records."""
        return {
            "scheduler": "argo",
            "namespace": self.namespace,
            "workflow": self.workflow,
            "uid": self.uid,
            "node": self.node,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What a workflow has to do. ``job`` is ``project/pipeline@id``, None for nothing."""

    job: str | None
    work: Work


class WorkflowVerbs(JobVerbs, StepVerbs):
    """Steps of a workflow."""

    def begin_workflow(  # noqa: PLR0913 each is one choice of the template
        self,
        pipeline: str,
        stay: Stay,
        *,
        job: str | None = None,
        workers: int | None = None,
        max_pods: int = 200,
        catalog_secret: str = "",
        cluster: Mapping[str, Any] | None = None,
    ) -> Begun:
        """Take a job of a pipeline for a workflow, plan it, and say which pods work it.

        Args:
            pipeline: ``[project/]pipeline``.
            stay: The workflow.
            job: The id of the job; None takes the next that is ready.
            workers: How many; None leaves it to the spec.
            max_pods: More workers than that become one Indexed Job.
            catalog_secret: Secret that no spec may name.
            cluster: As for ``run``.

        Returns:
            The job and its work; no job when nothing is to do: none is ready, or the one named has
            succeeded before.

        Raises:
            NotFoundError: ``pipeline-not-found``, ``job-not-found``.
            ConflictError: ``job-taken``: another scheduler runs it; ``job-not-ready``.
            FailedError: ``job-failed``: the job has ended otherwise, or cannot be run by pods.
            RefusedError: ``settings-illegal``: no pod can be made; the job is left to others.
        """
        key = parse_pipeline_key(pipeline)
        id_ = None if not job else parse_id(job)
        with self._versions.catalog.read() as tx:
            pipelines.get_pipeline(tx, key)
        # Wrong settings are told before a job is taken: it is not its fault.
        where = self._workplace(
            stay, cluster or {}, max_pods=max_pods, catalog_secret=catalog_secret
        )
        steps = self._argo_steps(stay, workers)
        steps.fire_ticks()
        self._take_over(key, stay)
        claimed = self._claim(steps, key, id_)
        if claimed is None:
            return Begun(job=None, work=Work())
        ref = JobRef(claimed.pipeline, claimed.id)
        work = Work()
        with steps.hold(ref) as held:
            with self._versions.catalog.write() as tx:
                commits.note_run(tx, claimed.output.repo, ref.id, stay.facts())
            begun = steps.begin(ref)
            if begun.has_work:
                work = render_work(where, ref, begun.spec, begun.plan.workers)
                self._keep(ref, stay.owner, BEGIN_LEASE_S)
            else:
                held.ended = steps.end(ref, None, is_lost=held.lost.is_set())
        if held.ended is not None:
            _check_success(held.ended.info())
            work = Work()
        return Begun(job=f"{key.project}/{key.name}@{ref.id}", work=work)

    def keep_workflow(self, job: str, stay: Stay, *, lease_s: float) -> bool:
        """Keep a job for a workflow; return whether it is the workflow's still.

        Args:
            job: ``pipeline@id``, begun by the workflow.
            stay: The workflow.
            lease_s: Seconds from now after which others may have the job.
        """
        try:
            self._keep(parse_job_ref(job), stay.owner, lease_s)
        except (ConflictError, NotFoundError):
            return False
        return True

    def open_keeping(
        self,
        job: str,
        stay: Stay,
        *,
        lease_s: float,
        cluster: Mapping[str, Any] | None = None,
    ) -> Keeping:
        """Return what keeps a job for a workflow, and gives it up if no worker can start.

        Args:
            job: ``pipeline@id``, begun by the workflow.
            stay: The workflow.
            lease_s: Seconds from the last turn after which others may have the job.
            cluster: As for ``run``.
        """
        ref = parse_job_ref(job)

        def find_end() -> str | None:
            found = get_job(self._jobs, ref)
            return f"job {job} has ended as {found.state}" if found.has_ended else None

        return Keeping(
            job=job,
            lease_s=lease_s,
            clock=self._jobs.clock,
            renew=lambda: self.keep_workflow(job, stay, lease_s=lease_s),
            end=lambda problem: self.end_job(job, owner=stay.owner, problem=problem),
            find_end=find_end,
            starts=self._find_starts(ref, stay, cluster or {}),
        )

    def finish_workflow(self, job: str, stay: Stay) -> JobInfo:
        """End a job whose workers have ended, well or not; harmless when it has ended.

        Raises:
            FailedError: ``job-failed``: it did not end as a success; the reason is in the message.
            ConflictError: ``job-taken``: another scheduler has it by now.
        """
        ref = parse_job_ref(job)
        ended = self.end_job(job, owner=stay.owner, problem=self._find_problem(ref, stay))
        if ended is None:
            raise ConflictError(
                ErrorCode.JOB_TAKEN, f"job {job} is run by another scheduler by now", job=job
            )
        self._clear_pods(ref, stay)
        return _check_success(ended)

    def settle_workflow(self, stay: Stay, reason: str) -> list[str]:
        """Give back the jobs that a workflow leaves behind, and return them. Idempotent.

        Args:
            stay: The workflow.
            reason: Why it ended; the jobs tell it until somebody runs them.
        """
        left = [job for job in self._active() if job.owner == stay.owner]
        for job in left:
            with self._versions.catalog.write() as tx:
                job_rows.release_job(tx, job.pipeline, job.id, owner=stay.owner, reason=reason)
        return [f"{job.pipeline.project}/{job.pipeline.name}@{job.id}" for job in left]

    def list_runnable(
        self, stay: Stay | None = None, *, change: str | None = None
    ) -> list[JobInfo]:
        """Return the jobs that a workflow could take now, oldest first.

        Args:
            stay: The workflow: jobs that others of its namespace left behind count, too.
            change: Only jobs of this change.
        """
        id_ = None if not change else parse_id(change)
        with self._versions.catalog.read() as tx:
            ready = job_rows.list_ready(tx)
            if id_ is not None and not commits.list_change(tx, id_):
                raise NotFoundError(ErrorCode.COMMIT_NOT_FOUND, f"there is no change {id_}", id=id_)
        found = {(job.pipeline, job.id): job for job in ready}
        scope = None if stay is None else owner_scope(stay.namespace)
        for job in self._active():
            if scope is not None and job.owner is not None and job.owner.startswith(scope):
                found[job.pipeline, job.id] = job
        chosen = [job for job in found.values() if id_ is None or job.id == id_]
        return [job.info() for job in sorted(chosen, key=lambda job: job.created)]

    def list_failed(self, change: str) -> list[JobInfo]:
        """Return the jobs of a change that have not ended as a success; a service's has no end."""
        id_ = parse_id(change)
        with self._versions.catalog.read() as tx:
            repos = [commit.repo for commit in commits.list_change(tx, id_)]
            keys = {PipelineKey(repo.project, repo.name) for repo in repos}
            keys -= list_standing(tx, stopped=True).keys()
            found = [job_rows.find_job(tx, key, id_) for key in sorted(keys)]
        return [job.info() for job in found if job is not None and job.state != "success"]

    def _argo_steps(self, stay: Stay, workers: int | None) -> Steps:
        check_workers(workers)
        return Steps(
            jobs=self._jobs, launcher=ArgoLauncher(), owner=stay.owner, n_workers=workers or None
        )

    def _active(self, pipeline: PipelineKey | None = None) -> tuple[Job, ...]:
        with self._versions.catalog.read() as tx:
            return job_rows.list_jobs(tx, pipeline, states=ACTIVE)

    def _take_over(self, pipeline: PipelineKey, stay: Stay) -> None:
        """Free what workflows of this namespace left behind: none of them runs beside this one."""
        scope = owner_scope(stay.namespace)
        for job in self._active(pipeline):
            if job.owner is None or job.owner == stay.owner or not job.owner.startswith(scope):
                continue
            with self._versions.catalog.write() as tx:
                job_rows.release_job(tx, pipeline, job.id, owner=job.owner)

    def _claim(self, steps: Steps, pipeline: PipelineKey, id_: CommitId | None) -> Job | None:
        if id_ is None:
            claimed, others = steps.claim(pipeline)
            if claimed is None and others:
                raise self._taken(pipeline)
            return claimed
        try:
            with self._versions.catalog.write() as tx:
                refuse_standing(pipeline, list_standing(tx, pipeline, stopped=True))
                return job_rows.claim_job(
                    tx, owner=steps.owner, lease_s=self._jobs.lease_s, pipeline=pipeline, job=id_
                )
        except ConflictError as error:
            if error.code != ErrorCode.JOB_FINISHED:
                raise
            _check_success(steps.get(JobRef(pipeline, id_)).info())
            return None

    def _taken(self, pipeline: PipelineKey) -> ConflictError:
        held = [job for job in self._active(pipeline) if job.owner is not None]
        told = ", ".join(f"{job.pipeline}@{job.id} by {job.owner}" for job in held)
        return ConflictError(
            ErrorCode.JOB_TAKEN,
            f"pipeline {pipeline} is at work elsewhere: {told}; wait for it, or stop the job",
            pipeline=str(pipeline),
        )

    def _workplace(
        self, stay: Stay, cluster: Mapping[str, Any], *, max_pods: int, catalog_secret: str
    ) -> Workplace:
        # lazy: with it comes the kubernetes package, an extra
        from pfs_provider.k8s.launcher import pod_store_url  # noqa: PLC0415

        settings = self._engine.settings
        here = {"store_secret": STORE_SECRET} | settings.cluster | {"namespace": stay.namespace}
        made = make_cluster(here | dict(cluster))
        access = StoreAccess(
            url=pod_store_url(made, settings.store_url),
            secret=made.store_secret or STORE_SECRET,
            lease_s=settings.lease_s,
        )
        return Workplace(
            cluster=made,
            access=access,
            uid=stay.uid,
            max_pods=max_pods,
            catalog_secret=catalog_secret,
        )

    def _find_starts(self, ref: JobRef, stay: Stay, cluster: Mapping[str, Any]) -> "Starts | None":
        """Return the workers' pods of a job, None where there is no cluster to ask."""
        # lazy: with it comes the kubernetes package, an extra
        from pfs_provider.argo.starts import Starts  # noqa: PLC0415
        from pfs_provider.k8s.client import open_client  # noqa: PLC0415

        given = self._engine.settings.cluster | {"namespace": stay.namespace} | dict(cluster)
        try:
            made = make_cluster(given)
            client = open_client(made, self._jobs.clock)
        except RefusedError:
            return None
        return Starts(
            client=client,
            clock=self._jobs.clock,
            job=ref,
            workflow=stay.workflow,
            uid=stay.uid,
            start_timeout_s=made.start_timeout_s,
        )

    def _clear_pods(self, ref: JobRef, stay: Stay) -> None:
        """Delete the job's pods that are left; their steps are over."""
        starts = self._find_starts(ref, stay, {})
        with suppress(PfsError):  # a right that is missing: the workflow's end frees them
            if starts is not None:
                starts.clear()

    def _find_problem(self, ref: JobRef, stay: Stay) -> str | None:
        """Return why a job's work cannot go on, None if all of it is done or it has ended."""
        job = get_job(self._jobs, ref)
        if (
            job.has_ended
            or self.job_progress(f"{ref.pipeline.project}/{ref.pipeline.name}@{ref.id}").is_done
        ):
            return None
        timeout_s = load_spec(self._jobs, job)[0].job_timeout_s
        if timeout_s is not None and job.started is not None:
            ran_s = (self._jobs.clock.now() - job.started).total_seconds()
            if ran_s >= timeout_s:
                return f"the job ran longer than job_timeout ({timeout_s} s)"
        return (
            "all workers ended before the work was done: see the pods of workflow "
            f"{stay.namespace}/{stay.workflow}"
        )


def _check_success(job: JobInfo) -> JobInfo:
    if job.state == "success":
        return job
    name = f"{job.project}/{job.pipeline}"
    raise FailedError(
        ErrorCode.JOB_FAILED,
        f"job {name}@{job.id} ended as {job.state}: {job.reason} (`pfs rerun pipeline {name}` "
        "makes a new one)",
        job=f"{name}@{job.id}",
    )

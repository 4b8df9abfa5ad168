"""Verbs for schedulers that sleep: a job is begun, waited for and ended by different processes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.errors import ConflictError, ErrorCode, PfsError
from pfs_provider.infos import JobInfo
from pfs_provider.jobs.inspection import get_job
from pfs_provider.jobs.keys import JobRef, parse_job_ref, parse_pipeline_key
from pfs_provider.jobs.launcher import Workers
from pfs_provider.jobs.plan import load_spec
from pfs_provider.jobs.queue import read_plan
from pfs_provider.jobs.steps import Steps
from pfs_provider.jobs.waiting import Waiting
from pfs_provider.jobs.watching import begin_watch
from pfs_provider.verbs.session import Session, check_workers

if TYPE_CHECKING:
    from pfs_provider.k8s.launcher import KubernetesLauncher

__all__ = ["StepVerbs", "Turn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a scheduler found to do.

    Args:
        job: The job that it took; None if there was none to be had.
        workers: Its workers, started; None where it needed none and has ended.
        others_work: Without a job: whether others run one, so that waiting for it has an end.
    """

    job: JobInfo | None = None
    workers: Workers | None = None
    others_work: bool = False


class StepVerbs(Session):
    """A job in steps. The same ``owner`` may take each again: it meets what the last try left."""

    def begin_job(
        self,
        pipeline: str,
        *,
        owner: str,
        workers: int | None = None,
        launcher: str = "local",
        cluster: Mapping[str, Any] | None = None,
        lease_s: float | None = None,
    ) -> Turn:
        """Take the next job of a pipeline, plan it and start its workers, or adopt those that run.

        Args:
            pipeline: ``[project/]pipeline``.
            owner: Whoever begins, by a name that a retry has too and nobody else.
            workers: Workers per job; None leaves it to the spec.
            launcher: As for ``run``.
            cluster: As for ``run``.
            lease_s: Seconds for which the job is kept for whoever waits next.

        Raises:
            NotFoundError: ``pipeline-not-found``.
            RefusedError: ``settings-illegal``: no such launcher, or not enough is said of it.
            PfsError: The store, the catalog or the cluster fails; the job is given back.
        """
        key = parse_pipeline_key(pipeline)
        check_workers(workers)
        steps = self._steps(owner, workers=workers, launcher=launcher, cluster=cluster)
        steps.fire_ticks()
        job, others_work = steps.claim(key)
        if job is None:
            return Turn(others_work=others_work)
        ref = JobRef(job.pipeline, job.id)
        with steps.hold(ref) as held:
            begun = steps.begin(ref)
            if begun.has_work:
                try:
                    started = steps.launch(begun)
                except PfsError:
                    raise  # the launcher has left nothing
                except BaseException:  # it was told to end while it made them
                    if launcher == "kubernetes":
                        self.stop_workers(str(ref), cluster=cluster)
                    raise
                self._keep(ref, owner, lease_s)
                return Turn(job=steps.get(ref).info(), workers=started)
            held.ended = steps.end(ref, None, is_lost=held.lost.is_set())
        return Turn(job=steps.settled(ref, held).info())

    def do_others_work(self, pipeline: str, *, owner: str) -> bool:
        """Return whether somebody else holds a job of a pipeline, so that one can wait for it."""
        return self._steps(owner).do_others_work(parse_pipeline_key(pipeline))

    def start_worker(self, job: str, *, number: int, of: int, name: str) -> Workers:
        """Start one worker of a planned job in a process on this machine.

        Args:
            job: ``pipeline@id``.
            number: Which worker this is, from 0.
            of: How many there are.
            name: What the names of all of them begin with. A worker that is started again under
                its name takes up what it had, so no two of one name and number run side by side.
        """
        ref = parse_job_ref(job)
        spec = load_spec(self._jobs, get_job(self._jobs, ref))[0]
        launcher = self._engine.local_launcher("process", name=name)
        return launcher.launch_one(ref, spec, number, of)

    def wait_for_job(
        self, job: str, *, owner: str, lease_s: float | None = None, waited_s: float = 0.0
    ) -> Waiting:
        """Return what looks at a begun job, for as long as its workers are at work.

        Args:
            job: ``pipeline@id``.
            owner: Who holds it.
            lease_s: Seconds for which each look keeps it.
            waited_s: How long other processes have waited for it before.

        Raises:
            ConflictError: ``job-not-ready``: it has no plan.
        """
        ref = parse_job_ref(job)
        plan = read_plan(self._jobs.objects, ref)
        if plan is None:
            raise ConflictError(
                ErrorCode.JOB_NOT_READY, f"{job} has no plan yet: plan it first", job=job
            )
        timeout_s = load_spec(self._jobs, get_job(self._jobs, ref))[0].job_timeout_s
        return Waiting(
            jobs=self._jobs,
            ref=ref,
            owner=owner,
            lease_s=lease_s or self._jobs.lease_s,
            n_sets=len(plan.set_sizes),
            watch=begin_watch(self._jobs, ref, timeout_s=timeout_s, waited_s=waited_s),
        )

    def end_job(self, job: str, *, owner: str, problem: str | None = None) -> JobInfo | None:
        """End a job whose work is over; harmless when it has ended.

        Args:
            job: ``pipeline@id``.
            owner: Who waited for it.
            problem: Why its work cannot go on; None if every set has a result.

        Returns:
            The ended job; None if others have it by now, who will end it.

        Raises:
            PfsError: The store or the catalog fails; the job is given back.
        """
        ref, steps = parse_job_ref(job), self._steps(owner)
        try:
            with self._versions.catalog.write() as tx:
                job_rows.claim_job(
                    tx, owner=owner, lease_s=self._jobs.lease_s, pipeline=ref.pipeline, job=ref.id
                )
        except ConflictError:
            found = steps.get(ref)
            return found.info() if found.has_ended else None
        with steps.hold(ref) as held:
            held.ended = steps.end(ref, problem, is_lost=held.lost.is_set())
        return steps.settled(ref, held).info()

    def stop_workers(self, job: str, *, cluster: Mapping[str, Any] | None = None) -> None:
        """Stop the pods of a job, whoever launched them; harmless where there are none.

        A Job that is complete is left to its time to live.
        """
        launcher = self._engine.launcher("kubernetes", executor="process", cluster=cluster)
        cast("KubernetesLauncher", launcher).attach(parse_job_ref(job)).stop()

    def give_back_job(self, job: str, *, owner: str, reason: str = "") -> None:
        """Let others have a job, unless somebody else has it already or it has ended."""
        self._steps(owner).give_back(parse_job_ref(job), reason)

    def _keep(self, ref: JobRef, owner: str, lease_s: float | None) -> None:
        if lease_s is not None:
            with self._versions.catalog.write() as tx:
                job_rows.renew_lease(tx, ref.pipeline, ref.id, owner=owner, lease_s=lease_s)

    def _steps(
        self,
        owner: str,
        *,
        workers: int | None = None,
        launcher: str = "local",
        cluster: Mapping[str, Any] | None = None,
    ) -> Steps:
        return Steps(
            jobs=self._jobs,
            launcher=self._engine.launcher(launcher, executor="process", cluster=cluster),
            owner=owner,
            n_workers=workers or self._engine.settings.workers,
        )

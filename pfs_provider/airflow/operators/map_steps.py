"""The three tasks of a PfsMapGroup: plan a job, work on it as one of many, finish it.

Invariants: all three own the job under the name of their group in this run, so that a retry of any
of them, and each after the other, has it. What they tell each other is small: the job's id, and
worker numbers.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException

from pfs_provider.airflow.error_table import airflow_errors
from pfs_provider.airflow.hook import DEFAULT_CONNECTION, PfsHook
from pfs_provider.airflow.links import JOB_XCOM, PfsCommitLink, PfsJobLink, tell
from pfs_provider.airflow.openlineage import PfsLineage
from pfs_provider.airflow.outcome import end_of_task, ended_jobs, start_of_task
from pfs_provider.airflow.progress import ProgressText, job_reference
from pfs_provider.airflow.reports import report_jobs
from pfs_provider.airflow.runs import group_owner
from pfs_provider.clock import Clock, SystemClock

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pfs_provider.infos import JobInfo
    from pfs_provider.jobs.launcher import Workers
    from pfs_provider.jobs.waiting import Waiting
    from pfs_provider.pfs import Pfs

__all__ = ["PLAN_XCOM", "PfsFinishOperator", "PfsPlanOperator", "PfsWorkOperator"]

PLAN_XCOM = "pfs_plan"
"""What the plan tells the others: ``job`` (None when there is none), ``workers``, ``since``."""
LEASE_S = 900.0
"""Seconds that the job is kept while no task of the group runs: the queue may be long."""
POLL_S = 0.5
LOOK_S = 15.0
"""Seconds between two renewals of the lease by one worker."""


class _GroupStep(BaseOperator):
    """One task of a group: which pipeline's job it is about, and whose."""

    def __init__(
        self, *, pipeline: str, group: str, pfs_conn_id: str = DEFAULT_CONNECTION, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline = pipeline
        self.group = group
        self.pfs_conn_id = pfs_conn_id


class PfsPlanOperator(_GroupStep):
    """Take the next job of a pipeline and plan it.

    Idempotent: a retry has the same job and the same plan.

    Args:
        pipeline: ``[project/]pipeline``.
        group: The group's id: the job's owner, with the DAG and the run.
        workers: At most so many workers; None leaves it to the spec.
        pfs_conn_id: The Airflow connection.

    The XCom result lists the numbers of the workers that are useful; none when nothing is to do.
    """

    template_fields: Sequence[str] = ("pipeline",)
    operator_extra_links = (PfsJobLink(),)

    def __init__(self, *, workers: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.workers = workers

    def execute(self, context: "Context") -> list[int]:
        """Claim, plan, and say how many workers are useful."""
        with airflow_errors(), PfsHook(self.pfs_conn_id).get_conn() as pfs:
            pfs.inspect_pipeline(self.pipeline)
            since = start_of_task(context, pfs)
            job, n_workers = self._plan(context, pfs)
        if job is not None:
            tell(self, context, JOB_XCOM, job)
        plan = {"job": job, "workers": n_workers, "since": since}
        context["ti"].xcom_push(key=PLAN_XCOM, value=plan)
        end_of_task(context)
        return list(range(n_workers))

    def _plan(self, context: "Context", pfs: "Pfs") -> tuple[str | None, int]:
        owner = group_owner(context, self.group)
        job = pfs.claim_job(self.pipeline, owner=owner, lease_s=LEASE_S)
        if job is None:
            self.log.info("%s has no job that could be had", self.pipeline)
            return None, 0
        name = job_reference(job)
        plan = pfs.plan_job(name, workers=self.workers)
        self.log.info(
            "%s: %d datums, %d skipped, %d sets", name, plan.total, plan.skipped, plan.sets
        )
        return name, plan.workers if plan.sets else 0


class PfsWorkOperator(_GroupStep):
    """Be one of the workers of a planned job, until nothing is left to do.

    The work is done by a process of its own. Work is claimed in the store, set by set: which task
    runs where, how many there are and how often they are retried only decides how long it takes.

    Args:
        number: Which worker, from 0.
        plan: What the plan told.
        pipeline: ``[project/]pipeline``.
        group: The group's id.
        pfs_conn_id: The Airflow connection.
    """

    template_fields: Sequence[str] = ("pipeline", "number", "plan")

    def __init__(self, *, number: int, plan: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.number = number
        self.plan = plan
        self._is_working = False

    def execute(self, context: "Context") -> None:
        """Work, and keep the job for the group meanwhile."""
        job, of = str(self.plan["job"]), int(self.plan["workers"])
        owner = group_owner(context, self.group)
        with airflow_errors(), PfsHook(self.pfs_conn_id).get_conn() as pfs:
            self._is_working = True
            # Nobody else has the name: not another group, run or number.
            workers = pfs.start_worker(job, number=self.number, of=of, name=worker_name(owner))
            try:
                waiting = pfs.wait_for_job(job, owner=owner, lease_s=LEASE_S)
                self._wait(workers, waiting, SystemClock())
            finally:
                workers.stop()
                self._is_working = False

    def on_kill(self) -> None:
        """Stop the worker, which gives back what it had. Called in the middle of what runs here."""
        if self._is_working:
            self._is_working = False
            raise AirflowException(f"{self.pipeline}: worker {self.number} was stopped by Airflow")

    def _wait(self, workers: "Workers", waiting: "Waiting", clock: Clock) -> None:
        looked = clock.monotonic()
        while (state := workers.poll()).alive:
            if state.problem is not None:
                raise AirflowException(state.problem)
            if clock.monotonic() - looked > LOOK_S:
                looked = clock.monotonic()
                if not waiting.look().is_held:
                    return  # it has ended, or others have it: the worker's help is not needed
            clock.sleep(POLL_S)
        if state.problem is not None:
            raise AirflowException(state.problem)


class PfsFinishOperator(PfsLineage, _GroupStep):
    """End the job that the group worked on, well or with what went wrong, and run what is left.

    Runs whatever became of the mapped tasks: all results that are there count. Where results are
    missing the job fails; what succeeded in it is not worked again by the next one.

    Args:
        pipeline: ``[project/]pipeline``.
        group: The group's id.
        plan: What the plan told.
        drain: Run the pipeline's other ready jobs, too, by processes on this machine.
        workers: Workers for those; None leaves it to the spec.
        pfs_conn_id: The Airflow connection.

    The XCom result lists the output commits, ``project/repo@id``, oldest first.
    """

    template_fields: Sequence[str] = ("pipeline", "plan")
    operator_extra_links = (PfsCommitLink(), PfsJobLink())

    def __init__(
        self, *, plan: Any, drain: bool = True, workers: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.plan = plan
        self.drain = drain
        self.workers = workers
        self._is_working = False

    def execute(self, context: "Context") -> list[str]:
        """Finish the job, and return the output commits of all that ended."""
        if not self.plan:
            raise AirflowException(f"{self.pipeline}: nothing was planned, see the task before")
        owner, text = group_owner(context, self.group), ProgressText()
        with airflow_errors(), PfsHook(self.pfs_conn_id).get_conn() as pfs:
            self._is_working = True
            try:
                if self.plan["job"] is not None:
                    self._end(pfs, str(self.plan["job"]), owner)
                if self.drain:
                    pfs.run(
                        self.pipeline,
                        workers=self.workers,
                        owner=owner,
                        on_progress=lambda job: self._say(text, job),
                    )
            finally:
                self._is_working = False
            jobs = ended_jobs(pfs, self.pipeline, int(self.plan["since"]))
            return report_jobs(self, context, pfs, jobs)

    def on_kill(self) -> None:
        """Stop what is run here; the job is given back."""
        if self._is_working:
            self._is_working = False
            raise AirflowException(f"{self.pipeline}: stopped by Airflow, the job is given back")

    def _end(self, pfs: "Pfs", job: str, owner: str) -> None:
        look = pfs.wait_for_job(job, owner=owner, lease_s=LEASE_S).look()
        problem = None
        if not look.is_done:
            problem = (
                f"{look.n_sets - look.n_done} of {look.n_sets} datum sets have no result: "
                "the mapped tasks ended before"
            )
        pfs.end_job(job, owner=owner, problem=problem)

    def _say(self, text: ProgressText, job: "JobInfo") -> None:
        line = text.line(job)
        if line is not None:
            self.log.info("%s", line)


def worker_name(owner: str) -> str:
    """Return what the names of a group's workers begin with."""
    return owner.replace("/", ".")

"""A pipeline's jobs on Kubernetes, one after the other, by a task that sleeps in between.

Invariants: every method can be called again by a retry and takes up what the last try left: the
claim by the task's name, the plan, the Job by its own. It returns only when nothing is left to do;
else it defers. Must not know: how pods are made, or when work is over.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk.exceptions import AirflowException, TaskDeferred

from pfs_provider.airflow.links import JOB_XCOM, PODS_XCOM, tell
from pfs_provider.airflow.outcome import end_of_task, ended_jobs, start_of_task
from pfs_provider.airflow.progress import ProgressText, job_reference
from pfs_provider.airflow.reports import report_jobs
from pfs_provider.airflow.runs import run_owner
from pfs_provider.airflow.triggers.turns import TurnTrigger
from pfs_provider.clock import SystemClock

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    from pfs_provider.k8s.workers import KubernetesWorkers
    from pfs_provider.pfs import Pfs
    from pfs_provider.verbs.steps import Turn

__all__ = ["PodsRun"]

LEASE_S = 120.0
"""Seconds for which a job is kept until the triggerer looks after it."""
MAX_GONE = 5
"""Times that a Job is made again: somebody who deletes it that often means it."""

Cluster = Callable[["Context"], AbstractContextManager[dict[str, Any]]]


@dataclass(slots=True, kw_only=True)
class PodsRun:
    """One task's way through the jobs of its pipeline.

    Args:
        operator: The task.
        pipeline: ``[project/]pipeline``.
        workers: Workers per job; None leaves it to the spec.
        pfs: Catalog and store.
        pfs_conn_id: The connection to them.
        cluster: Gives what is said of the cluster.
        place: What of that finds the cluster, for a trigger: ``kubeconfig``, ``context`` and
            ``kubernetes_conn_id``.
    """

    operator: "BaseOperator"
    pipeline: str
    workers: int | None
    pfs: "Pfs"
    pfs_conn_id: str
    cluster: Cluster
    place: Mapping[str, str | None]
    _text: ProgressText = field(default_factory=ProgressText)

    def advance(self, context: "Context", n_gone: int = 0) -> list[str]:
        """Begin the next job and defer until its pods are done; with none left, report.

        Raises:
            TaskDeferred: There is something to wait for.
            AirflowFailException: All is done, and a job did not succeed.
        """
        while True:
            with self.cluster(context) as values:
                turn = self._begin(context, values)
                if turn.workers is not None:
                    self._wait(context, turn, values, n_gone)
            if turn.job is None:
                break
            self._say(turn)
        if turn.others_work:
            self.operator.log.info("others run jobs of %s: waiting", self.pipeline)
            raise TaskDeferred(
                trigger=TurnTrigger(
                    pipeline=self.pipeline,
                    owner=run_owner(context),
                    pfs_conn_id=self.pfs_conn_id,
                ),
                method_name="resume_turn",
            )
        jobs = ended_jobs(self.pfs, self.pipeline, start_of_task(context, self.pfs))
        end_of_task(context)
        return report_jobs(self.operator, context, self.pfs, jobs)

    def resume(
        self, context: "Context", event: dict[str, str | None], n_gone: int = 0
    ) -> list[str]:
        """Do what the trigger's event asks for, and go on. See PodsTrigger for events."""
        job, outcome, problem = str(event["job"]), event["outcome"], event["problem"]
        owner = run_owner(context)
        if outcome == "unavailable":
            self.pfs.give_back_job(job, owner=owner, reason=f"{problem}")
            raise AirflowException(f"{job} cannot be waited for: {problem}")
        if outcome == "gone":
            n_gone += 1
            if n_gone > MAX_GONE:
                outcome, problem = "problem", f"its Job was deleted {n_gone} times: given up"
        if outcome in {"done", "problem"}:
            n_gone = 0
            ended = self.pfs.end_job(job, owner=owner, problem=problem)
            if ended is not None:
                with self.cluster(context) as values:
                    self.pfs.stop_workers(job, cluster=values)
                line = self._text.line(ended)
                self.operator.log.info("%s", line)
        return self.advance(context, n_gone)

    def _begin(self, context: "Context", values: dict[str, Any]) -> "Turn":
        return self.pfs.begin_job(
            self.pipeline,
            owner=run_owner(context),
            workers=self.workers,
            launcher="kubernetes",
            cluster=values,
            lease_s=LEASE_S,
        )

    def _wait(self, context: "Context", turn: "Turn", values: dict[str, Any], n_gone: int) -> None:
        """Defer until the pods are done; told to end before that, stop them."""
        # lazy: an extra
        from pfs_provider.airflow.triggers.pods import PodsTrigger  # noqa: PLC0415

        workers = cast("KubernetesWorkers", turn.workers)
        job = "" if turn.job is None else job_reference(turn.job)
        try:
            self._say(turn)
            tell(self.operator, context, JOB_XCOM, job)
            tell(self.operator, context, PODS_XCOM, f"{workers.namespace}/{workers.name}")
            raise TaskDeferred(
                trigger=PodsTrigger(
                    job=job,
                    owner=run_owner(context),
                    name=workers.name,
                    namespace=workers.namespace,
                    kubeconfig=self.place["kubeconfig"],
                    context=self.place["context"],
                    kubernetes_conn_id=self.place["kubernetes_conn_id"],
                    start_timeout_s=workers.start_timeout_s,
                    launched_at=SystemClock().now().isoformat(),
                    pfs_conn_id=self.pfs_conn_id,
                ),
                method_name="resume_job",
                kwargs={"n_gone": n_gone},
            )
        except TaskDeferred:
            raise
        except BaseException:
            workers.stop()
            self.pfs.give_back_job(job, owner=run_owner(context), reason="stopped in Airflow")
            raise

    def _say(self, turn: "Turn") -> None:
        line = None if turn.job is None else self._text.line(turn.job)
        if line is not None:
            self.operator.log.info("%s", line)

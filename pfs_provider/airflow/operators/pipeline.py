"""PfsPipelineOperator: do all that a pipeline has to do, and wait for it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, conf
from airflow.sdk.exceptions import AirflowException, TaskDeferred

from pfs_provider.airflow.clusters import cluster_values, find_cluster
from pfs_provider.airflow.detached import start_detached
from pfs_provider.airflow.error_table import airflow_errors
from pfs_provider.airflow.hook import DEFAULT_CONNECTION, PfsHook
from pfs_provider.airflow.links import PfsCommitLink, PfsJobLink, PfsPodsLink
from pfs_provider.airflow.openlineage import PfsLineage
from pfs_provider.airflow.outcome import end_of_task, ended_jobs, start_of_task
from pfs_provider.airflow.pods_run import PodsRun
from pfs_provider.airflow.progress import ProgressText
from pfs_provider.airflow.reports import report_jobs
from pfs_provider.airflow.runs import run_marks, run_owner
from pfs_provider.airflow.triggers.work import WorkTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pfs_provider.pfs import Pfs

__all__ = ["PfsPipelineOperator"]


class PfsPipelineOperator(PfsLineage, BaseOperator):
    """Run all ready jobs of a pipeline, until none is ready.

    What there is to do is the catalog's business: a commit on an input makes a job, whether or not
    an event reached Airflow. So this task can be started by an asset, a schedule or by hand, more
    than once, and does what is left to do; with nothing left it succeeds at once.

    Idempotent: the task's name, without its try number, owns the jobs it runs. A retry takes up the
    job that the last try left, with the datums that were done, and reports what ended in any try.
    A job that ended as failed fails the task for good, because a retry would not meet it again; the
    jobs after it are run all the same.

    Args:
        pipeline: ``[project/]pipeline``.
        workers: Workers per job; None leaves it to the spec's parallelism.
        launcher: Where they run: ``local``, on the machine of the task, or ``kubernetes``, as pods.
        datum_executor: How user code is run on the machine: ``process`` or ``container``.
        cluster: How and where pods are made, by the names of the settings ``PFS_K8S_…`` in lower
            case: ``namespace``, ``worker_image``, ``user_image``, ``store_secret``, ``store_url``,
            ``service_account``, ``pod_patch``, ``labels``, ``annotations``, …; wins over them.
        namespace: Short for the same in ``cluster``; so are the next three.
        worker_image: Image with this package, which reads and writes the store.
        user_image: For specs without an image.
        pod_patch: JSON patch or merge patch for every pod.
        kubernetes_conn_id: Airflow connection of type ``kubernetes`` that says where the cluster
            is, if not where clients look.
        deferrable: Wait in the triggerer, without a worker slot. Pods are waited for like that
            unless told otherwise; on a machine a process of its own does the work meanwhile.
        pfs_conn_id: The Airflow connection.

    The XCom result lists the output commits, ``project/repo@id``, oldest first.
    """

    template_fields: Sequence[str] = ("pipeline", "cluster")
    operator_extra_links = (PfsCommitLink(), PfsJobLink(), PfsPodsLink())

    def __init__(  # noqa: PLR0913 each is one fact of where and how
        self,
        *,
        pipeline: str,
        workers: int | None = None,
        launcher: str = "local",
        datum_executor: str = "process",
        cluster: Mapping[str, Any] | None = None,
        namespace: str | None = None,
        worker_image: str | None = None,
        user_image: str | None = None,
        pod_patch: str | None = None,
        kubernetes_conn_id: str | None = None,
        deferrable: bool | None = None,
        pfs_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline = pipeline
        self.workers = workers
        self.launcher = launcher
        self.datum_executor = datum_executor
        named = {
            "namespace": namespace,
            "worker_image": worker_image,
            "user_image": user_image,
            "pod_patch": pod_patch,
        }
        given = {name: value for name, value in named.items() if value is not None}
        self.cluster = {**(cluster or {}), **given}
        self.kubernetes_conn_id = kubernetes_conn_id
        if deferrable is None:
            deferrable = launcher == "kubernetes" or conf.getboolean(
                "operators", "default_deferrable", fallback=False
            )
        self.deferrable = deferrable
        self.pfs_conn_id = pfs_conn_id
        self._is_working = False

    def execute(self, context: "Context") -> list[str]:
        """Run the jobs here, or have that done elsewhere and sleep in the triggerer."""
        if not self.deferrable:
            return self._run(context)
        if self.launcher == "kubernetes":
            with self._working() as pfs:
                pfs.inspect_pipeline(self.pipeline)
                start_of_task(context, pfs)
                return self._pods(pfs).advance(context)
        hook = PfsHook(self.pfs_conn_id)
        with airflow_errors(), hook.get_conn() as pfs:
            pfs.inspect_pipeline(self.pipeline)  # a missing pipeline is told before anything starts
            start_of_task(context, pfs)
        process, log = start_detached(
            hook.find_settings(),
            pipeline=self.pipeline,
            workers=self.workers,
            executor=self.datum_executor,
            owner=run_owner(context),
        )
        raise TaskDeferred(
            trigger=WorkTrigger(
                process=process, pipeline=self.pipeline, pfs_conn_id=self.pfs_conn_id
            ),
            method_name="resume",
            kwargs={"log": str(log)},
        )

    def resume(self, context: "Context", event: dict[str, str], log: str) -> list[str]:
        """Do what the process left undone, should it have died, and return the output commits."""
        path = Path(log)
        if path.is_file():  # else it lies on the machine that the task was deferred on
            self.log.info("The run said:\n%s", path.read_text(encoding="utf-8", errors="replace"))
            path.unlink()
        return self._run(context)

    def resume_job(
        self, context: "Context", event: dict[str, str | None], n_gone: int = 0
    ) -> list[str]:
        """End the job that was waited for, and go on with the next one."""
        with self._working() as pfs:
            return self._pods(pfs).resume(context, event, n_gone)

    def resume_turn(self, context: "Context", event: dict[str, str]) -> list[str]:
        """Look again, now that nobody else is at the pipeline's jobs."""
        with self._working() as pfs:
            return self._pods(pfs).advance(context)

    def on_kill(self) -> None:
        """Stop the workers and give the job back.

        Airflow calls this from a signal handler, in the middle of what runs here: the exception is
        what ends it, and ending it is what stops the workers.
        """
        if self._is_working:
            self._is_working = False
            raise AirflowException(f"{self.pipeline}: stopped by Airflow, the job is given back")

    def _run(self, context: "Context") -> list[str]:
        text = ProgressText()
        with self._working() as pfs, self._cluster(context) as cluster:
            pfs.inspect_pipeline(self.pipeline)
            since = start_of_task(context, pfs)
            pfs.run(
                self.pipeline,
                workers=self.workers,
                executor=self.datum_executor,
                launcher=self.launcher,
                cluster=cluster,
                owner=run_owner(context),
                on_progress=lambda job: self._say(text.line(job)),
            )
            self._is_working = False
            jobs = ended_jobs(pfs, self.pipeline, since)
            end_of_task(context)
            return report_jobs(self, context, pfs, jobs)

    @contextmanager
    def _working(self) -> "Iterator[Pfs]":
        with airflow_errors(), PfsHook(self.pfs_conn_id).get_conn() as pfs:
            self._is_working = True
            try:
                yield pfs
            finally:
                self._is_working = False

    def _pods(self, pfs: "Pfs") -> PodsRun:
        return PodsRun(
            operator=self,
            pipeline=self.pipeline,
            workers=self.workers,
            pfs=pfs,
            pfs_conn_id=self.pfs_conn_id,
            cluster=self._cluster,
            place={
                "kubeconfig": self.cluster.get("kubeconfig"),
                "context": self.cluster.get("context"),
                "kubernetes_conn_id": self.kubernetes_conn_id,
            },
        )

    @contextmanager
    def _cluster(self, context: "Context") -> Iterator[dict[str, Any]]:
        """Give what is said of the cluster, by the task and its connection."""
        if self.launcher != "kubernetes":
            yield {}
            return
        labels, annotations = run_marks(context)
        given = {
            **self.cluster,
            "labels": labels | dict(self.cluster.get("labels") or {}),
            "annotations": annotations | dict(self.cluster.get("annotations") or {}),
        }
        with cluster_values(find_cluster(self.kubernetes_conn_id), given) as values:
            yield values

    def _say(self, line: str | None) -> None:
        if line is not None:
            self.log.info("%s", line)

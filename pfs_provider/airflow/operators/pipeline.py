"""PfsPipelineOperator: do all that a pipeline has to do, and wait for it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, conf
from airflow.sdk.exceptions import AirflowException, TaskDeferred

from pfs_provider.airflow.detached import start_detached
from pfs_provider.airflow.error_table import airflow_errors
from pfs_provider.airflow.hook import DEFAULT_CONNECTION, PfsHook
from pfs_provider.airflow.links import PfsCommitLink, PfsJobLink
from pfs_provider.airflow.outcome import end_of_task, ended_jobs, start_of_task
from pfs_provider.airflow.progress import ProgressText
from pfs_provider.airflow.reports import report_jobs
from pfs_provider.airflow.runs import run_owner
from pfs_provider.airflow.triggers.work import WorkTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["PfsPipelineOperator"]


class PfsPipelineOperator(BaseOperator):
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
        workers: Workers per job on this machine; None leaves it to the spec.
        datum_executor: How user code is run: ``process`` or ``container``.
        deferrable: Wait in the triggerer, without a worker slot, while a process of its own does
            it.
        pfs_conn_id: The Airflow connection.

    The XCom result lists the output commits, ``project/repo@id``, oldest first.
    """

    template_fields: Sequence[str] = ("pipeline",)
    operator_extra_links = (PfsCommitLink(), PfsJobLink())

    def __init__(
        self,
        *,
        pipeline: str,
        workers: int | None = None,
        datum_executor: str = "process",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        pfs_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline = pipeline
        self.workers = workers
        self.datum_executor = datum_executor
        self.deferrable = deferrable
        self.pfs_conn_id = pfs_conn_id
        self._is_working = False

    def execute(self, context: "Context") -> list[str]:
        """Run the jobs here, or start a process that does and sleep in the triggerer."""
        if not self.deferrable:
            return self._run(context)
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
        with airflow_errors(), PfsHook(self.pfs_conn_id).get_conn() as pfs:
            pfs.inspect_pipeline(self.pipeline)
            since = start_of_task(context, pfs)
            self._is_working = True
            try:
                pfs.run(
                    self.pipeline,
                    workers=self.workers,
                    executor=self.datum_executor,
                    owner=run_owner(context),
                    on_progress=lambda job: self._say(text.line(job)),
                )
            finally:
                self._is_working = False
            jobs = ended_jobs(pfs, self.pipeline, since)
            end_of_task(context)
            return report_jobs(self, context, pfs, jobs)

    def _say(self, line: str | None) -> None:
        if line is not None:
            self.log.info("%s", line)

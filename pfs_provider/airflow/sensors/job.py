"""PfsJobSensor: wait for a job."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue, conf
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from pfs_provider.airflow.checks import find_ended_job
from pfs_provider.airflow.error_table import airflow_errors
from pfs_provider.airflow.hook import DEFAULT_CONNECTION, PfsHook
from pfs_provider.airflow.links import JOB_XCOM, PfsJobLink, tell
from pfs_provider.airflow.triggers.states import JobStateTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["PfsJobSensor"]


class PfsJobSensor(BaseSensorOperator):
    """Wait until a job has ended well; any other end fails the task for good.

    Args:
        job: ``[project/]pipeline@<id>``; it need not exist yet. A commit's id is that of its jobs.
        deferrable: Wait in the triggerer, without a worker slot.
        pfs_conn_id: The Airflow connection.

    The XCom result is the job's id, which is that of its output commit.
    """

    template_fields: Sequence[str] = ("job",)
    operator_extra_links = (PfsJobLink(),)

    def __init__(
        self,
        *,
        job: str,
        poke_interval: float = 5.0,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        pfs_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.job = job
        self.deferrable = deferrable
        self.pfs_conn_id = pfs_conn_id

    def execute(self, context: "Context") -> Any:
        """Wait here, or hand the waiting to the triggerer unless the job has ended already."""
        tell(self, context, JOB_XCOM, self.job)
        if not self.deferrable or self.poke(context):
            return super().execute(context)
        trigger = JobStateTrigger(
            ref=self.job, pfs_conn_id=self.pfs_conn_id, poll_s=self.poke_interval
        )
        raise TaskDeferred(
            trigger=trigger, method_name="resume", timeout=timedelta(seconds=self.timeout)
        )

    def poke(self, context: "Context") -> PokeReturnValue:
        """Return whether the job has ended."""
        with airflow_errors(), PfsHook(self.pfs_conn_id).get_conn() as pfs:
            job = find_ended_job(pfs, self.job)
        return PokeReturnValue(is_done=job is not None, xcom_value=None if job is None else job.id)

    def resume(self, context: "Context", event: dict[str, str]) -> str:
        """Turn the trigger's event into the result."""
        if "error" in event:
            raise AirflowFailException(event["error"])
        return event["id"]

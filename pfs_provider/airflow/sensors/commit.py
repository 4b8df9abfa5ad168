"""PfsCommitSensor: wait for a commit."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue, conf
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from pfs_provider.airflow.checks import find_commit
from pfs_provider.airflow.error_table import airflow_errors
from pfs_provider.airflow.hook import DEFAULT_CONNECTION, PfsHook
from pfs_provider.airflow.links import COMMIT_XCOM, PfsCommitLink, tell
from pfs_provider.airflow.triggers.states import CommitStateTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["PfsCommitSensor"]


class PfsCommitSensor(BaseSensorOperator):
    """Wait until a branch has a finished commit, or until one commit is finished.

    Args:
        ref: ``[project/]repo@branch`` or ``[project/]repo@<id>``; it need not exist yet.
        after: An id: wait until the branch points to another commit than this.
        deferrable: Wait in the triggerer, without a worker slot.
        pfs_conn_id: The Airflow connection.

    The XCom result is the commit's id. A commit named by its id that ends with an error fails the
    task for good; a branch is waited for until it points to a good commit.
    """

    template_fields: Sequence[str] = ("ref", "after")
    operator_extra_links = (PfsCommitLink(),)

    def __init__(
        self,
        *,
        ref: str,
        after: str | None = None,
        poke_interval: float = 5.0,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        pfs_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.ref = ref
        self.after = after
        self.deferrable = deferrable
        self.pfs_conn_id = pfs_conn_id

    def execute(self, context: "Context") -> Any:
        """Wait here, or hand the waiting to the triggerer unless it is there already."""
        if not self.deferrable or self.poke(context):
            return super().execute(context)
        trigger = CommitStateTrigger(
            ref=self.ref, after=self.after, pfs_conn_id=self.pfs_conn_id, poll_s=self.poke_interval
        )
        raise TaskDeferred(
            trigger=trigger, method_name="resume", timeout=timedelta(seconds=self.timeout)
        )

    def poke(self, context: "Context") -> PokeReturnValue:
        """Return whether the commit is there."""
        with airflow_errors(), PfsHook(self.pfs_conn_id).get_conn() as pfs:
            commit = find_commit(pfs, self.ref, after=self.after)
        if commit is None:
            return PokeReturnValue(is_done=False)
        return PokeReturnValue(is_done=True, xcom_value=self._tell(context, commit.id))

    def resume(self, context: "Context", event: dict[str, str]) -> str:
        """Turn the trigger's event into the result."""
        if "error" in event:
            raise AirflowFailException(event["error"])
        return self._tell(context, event["id"])

    def _tell(self, context: "Context", commit: str) -> str:
        repo = self.ref.partition("@")[0]
        tell(self, context, COMMIT_XCOM, f"{repo}@{commit}")
        return commit

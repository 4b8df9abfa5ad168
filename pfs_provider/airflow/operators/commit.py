"""PfsCommitOperator: one commit of what a Python function writes, with explicit provenance."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from pfs_provider.airflow.error_table import airflow_errors
from pfs_provider.airflow.hook import DEFAULT_CONNECTION, PfsHook
from pfs_provider.airflow.lineage import note_commit
from pfs_provider.airflow.links import COMMIT_XCOM, PfsCommitLink, tell
from pfs_provider.airflow.openlineage import PfsLineage
from pfs_provider.airflow.runs import run_facts

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["PfsCommitOperator"]


class PfsCommitOperator(PfsLineage, BaseOperator):
    """Call a function with an open commit; what it puts lands whole, or not at all.

    Not idempotent: a retry makes one more commit if the last try had landed.

    Args:
        branch: ``[project/]repo@branch`` to commit to.
        write: Called with the commit; uses its ``put_file``, ``put_tree``, ``delete_file``.
        message: The commit's message.
        provenance: References of the commits that went into this one.
        pfs_conn_id: The Airflow connection.

    The XCom result is the commit's id.
    """

    template_fields: Sequence[str] = ("branch", "message", "provenance")
    operator_extra_links = (PfsCommitLink(),)

    def __init__(
        self,
        *,
        branch: str,
        write: Callable[[Any], object],
        message: str = "",
        provenance: Sequence[str] = (),
        pfs_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.branch = branch
        self.write = write
        self.message = message
        self.provenance = provenance
        self.pfs_conn_id = pfs_conn_id

    def execute(self, context: "Context") -> str:
        """Make the commit and return its id."""
        repo = self.branch.partition("@")[0]
        with airflow_errors(), PfsHook(self.pfs_conn_id).get_conn(records=False) as pfs:
            with pfs.commit(
                self.branch,
                message=self.message,
                provenance=list(self.provenance),
                run=run_facts(context),
            ) as commit:
                self.write(commit)
            reference = f"{repo}@{commit.id}"
            note_commit(self, pfs, reference, provenance=self.provenance)
        tell(self, context, COMMIT_XCOM, reference)
        return commit.id

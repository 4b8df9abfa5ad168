"""PfsPutFilesOperator: a local file or folder, or a URL, as one commit."""

from collections.abc import Sequence
from pathlib import Path
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

    from pfs_provider.verbs.commits import CommitWriter

__all__ = ["PfsPutFilesOperator"]


class PfsPutFilesOperator(PfsLineage, BaseOperator):
    """Commit a file under its name, or a folder's contents.

    A retry that finds the same content commits it again; the tree stays the same, nothing is stored
    twice.

    Args:
        source: Local path of a file or folder, or a URL.
        branch: ``[project/]repo@branch`` to commit to.
        path: Where the file or the folder's contents come to lie; by default ``/`` for a folder and
            ``/<name>`` for a file.
        message: The commit's message.
        pfs_conn_id: The Airflow connection.

    The XCom result is the commit's id.
    """

    template_fields: Sequence[str] = ("source", "branch", "path", "message")
    operator_extra_links = (PfsCommitLink(),)

    def __init__(
        self,
        *,
        source: str,
        branch: str,
        path: str | None = None,
        message: str = "",
        pfs_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.branch = branch
        self.path = path
        self.message = message
        self.pfs_conn_id = pfs_conn_id

    def execute(self, context: "Context") -> str:
        """Put what is there and return the commit's id."""
        repo = self.branch.partition("@")[0]
        with airflow_errors(), PfsHook(self.pfs_conn_id).get_conn(records=False) as pfs:
            with pfs.commit(self.branch, message=self.message, run=run_facts(context)) as commit:
                self._put(commit)
            reference = f"{repo}@{commit.id}"
            note_commit(self, pfs, reference)
        tell(self, context, COMMIT_XCOM, reference)
        return commit.id

    def _put(self, commit: "CommitWriter") -> None:
        if Path(self.source).is_dir():
            commit.put_tree(self.path or "/", self.source)
        else:
            name = self.source.rstrip("/").rpartition("/")[2]
            commit.put_file(self.path or f"/{name}", self.source)

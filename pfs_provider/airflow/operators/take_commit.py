"""PfsTakeCommitOperator: the commit that a run is for, unless another run has done it."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from pfs_provider.airflow.assets import pfs_commits
from pfs_provider.airflow.error_table import airflow_errors
from pfs_provider.airflow.hook import DEFAULT_CONNECTION, PfsHook
from pfs_provider.airflow.links import COMMIT_XCOM, PfsCommitLink, tell
from pfs_provider.airflow.uris import asset_branch
from pfs_provider.errors import ErrorCode, NotFoundError
from pfs_provider.refs.names import DEFAULT_BRANCH, DEFAULT_PROJECT

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["PfsTakeCommitOperator"]

RUN_KEY = "pfs_run"
"""State of the commits' asset, with DAG and commit behind it: the run that took the commit."""


class PfsTakeCommitOperator(BaseOperator):
    """Return the commit of a run of a DAG that is scheduled ``per_commit``; else the head.

    Airflow does not keep partition keys unique: a commit announced again has a second run. That run
    is skipped here, with all tasks after this one, if another run of the DAG took the commit and
    has not failed. A run started by hand always goes on.

    Args:
        repo: The repo.
        branch: The branch.
        project: The repo's project.
        pfs_conn_id: The Airflow connection.

    The XCom result is the commit's reference, ``[project/]repo@id``.
    """

    operator_extra_links = (PfsCommitLink(),)

    def __init__(
        self,
        *,
        repo: str,
        branch: str = DEFAULT_BRANCH,
        project: str = DEFAULT_PROJECT,
        pfs_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        self.commits_asset = pfs_commits(repo, branch, project=project)
        super().__init__(**{"inlets": [self.commits_asset]} | kwargs)
        self.branch_key = asset_branch(self.commits_asset.uri)
        self.pfs_conn_id = pfs_conn_id

    def execute(self, context: "Context") -> str:
        """Return the commit, or skip."""
        commit = context["dag_run"].partition_key
        ref = f"{self.branch_key.repo}@{commit or self.branch_key.name}"
        with airflow_errors(), PfsHook(self.pfs_conn_id).get_conn() as pfs:
            found = pfs.inspect_commit(ref)
            if found.state != "finished":
                raise NotFoundError(
                    ErrorCode.COMMIT_NOT_FOUND, f"{ref} is {found.state}, not finished", commit=ref
                )
        if commit:
            self._skip_if_done(context, commit)
        reference = f"{self.branch_key.repo}@{found.id}"
        tell(self, context, COMMIT_XCOM, reference)
        return reference

    def _skip_if_done(self, context: "Context", commit: str) -> None:
        ti = context["ti"]
        state: Any = context["asset_state_store"][self.commits_asset]
        key = f"{RUN_KEY}.{ti.dag_id}.{commit}"
        other = state.get(key)
        is_asked_for = context["dag_run"].run_type == "manual"
        if other not in {None, ti.run_id} and not is_asked_for and _counts(ti, other):
            raise AirflowSkipException(f"{commit} belongs to the run {other}")
        state.set(key, ti.run_id)


def _counts(ti: Any, run: str) -> bool:
    """Return whether a run of this DAG has succeeded or still may."""
    n_runs: int = ti.get_dr_count(ti.dag_id, run_ids=[run])
    n_failed: int = ti.get_dr_count(ti.dag_id, run_ids=[run], states=["failed"])
    return n_runs > n_failed

"""PfsTakeCommitOperator: the commit that a run is for, unless another run has done it."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from pfs_provider.airflow.assets import pfs_commits
from pfs_provider.airflow.error_table import airflow_errors
from pfs_provider.airflow.hook import DEFAULT_CONNECTION, PfsHook
from pfs_provider.airflow.links import COMMIT_XCOM, PfsCommitLink, tell
from pfs_provider.airflow.operators.dispatch import SKEW
from pfs_provider.airflow.uris import asset_branch
from pfs_provider.errors import ErrorCode, NotFoundError
from pfs_provider.refs.names import DEFAULT_BRANCH, DEFAULT_PROJECT

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.sdk import Context

__all__ = ["PfsTakeCommitOperator"]

PAGE = 2000
"""Announcements read at a time."""


class PfsTakeCommitOperator(BaseOperator):
    """Return the commit of a run of a DAG that is scheduled ``per_commit``; else the head.

    Airflow does not keep partition keys unique: a commit announced again has a second run. That run
    is skipped here, with all tasks after this one, if another run of the DAG for the commit has
    succeeded, or began earlier and is not over. After a run that failed it goes on. A run started
    by hand always goes on.

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
            self._skip_if_done(context, commit, (found.finished or found.started) - SKEW)
        reference = f"{self.branch_key.repo}@{found.id}"
        tell(self, context, COMMIT_XCOM, reference)
        return reference

    def _skip_if_done(self, context: "Context", commit: str, since: "datetime") -> None:
        run = context["dag_run"]
        runs = {
            made.run_id: made
            for made in self._runs(context, commit, since)
            if made.dag_id == run.dag_id
        }
        if run.run_id not in runs:
            return  # started by hand
        for other in runs.values():
            if other.run_id == run.run_id:
                continue
            is_earlier = other.run_id < run.run_id  # ids hold the time, then a part of chance
            is_over = other.state in {"success", "failed"}
            if other.state == "success" or (is_earlier and not is_over):
                raise AirflowSkipException(f"{commit} belongs to the run {other.run_id}")

    def _runs(self, context: "Context", commit: str, since: "datetime") -> list[Any]:
        """Return the runs that announcements of this commit made, of all DAGs."""
        runs: list[Any] = []
        seen: set[int] = set()
        while True:
            events = list(
                context["inlet_events"][self.commits_asset].after(since.isoformat()).limit(PAGE)
            )
            new = [event for event in events if event.id not in seen]
            for event in new:
                seen.add(event.id)
                if event.partition_key == commit:
                    runs.extend(event.created_dagruns)
            if len(events) < PAGE:
                return runs
            # Events of one announcement have almost one time: more than a page of them at the very
            # same one is passed over by a step.
            since = events[-1].timestamp + (timedelta() if new else timedelta(microseconds=1))

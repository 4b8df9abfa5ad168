"""PfsDispatchOperator: give each new commit of a branch a DAG run of its own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from pfs_provider.airflow.assets import pfs_asset, pfs_commits
from pfs_provider.airflow.error_table import airflow_errors
from pfs_provider.airflow.hook import DEFAULT_CONNECTION, PfsHook
from pfs_provider.airflow.landings import Landings, commits_between, landings_since
from pfs_provider.airflow.news import TAKEN_KEY
from pfs_provider.airflow.uris import asset_branch
from pfs_provider.errors import NotFoundError
from pfs_provider.refs.names import DEFAULT_BRANCH, DEFAULT_PROJECT

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pfs_provider.pfs import Pfs
    from pfs_provider.refs.names import BranchKey

__all__ = ["ANNOUNCED_KEY", "PENDING_KEY", "PfsDispatchOperator"]

ANNOUNCED_KEY = "pfs_announced"
"""State of the commits' asset: ``event``, the catalog's event up to which all is announced, and
``moved``, what the branch was moved to."""

PENDING_KEY = "pfs_pending"
"""The same, as it will be when the task ``run`` has succeeded."""

MAX_PARTITIONS = 500
"""About so many commits are announced by one task; Airflow stores them in one request."""

MAX_MOVED = 500
"""Commits of other branches that are known to be announced; Airflow warns above 64 KiB."""


class PfsDispatchOperator(BaseOperator):
    """Announce each new commit of a branch as a partition of ``pfs_commits``; skip if none is new.

    A task's partitions are stored in the transaction that makes it a success. So what a task is
    about to announce is noted before, with its run, and counts once Airflow says that this run's
    task has succeeded: no kill and no retry announces a commit twice or loses one. Runs of one
    branch must not overlap: ``dispatch_dag`` sees to that. Clearing a task that had succeeded
    announces its commits again.

    Args:
        repo: The repo.
        branch: The branch.
        project: The repo's project.
        history: The first time, begin with the oldest commit instead of the head.
        since: Announce this commit and those after it, whether they were announced before or not;
            empty means what is new.
        until: With ``since``, or alone: the last commit to announce so.
        pfs_conn_id: The Airflow connection.

    The XCom result is the number of commits announced.
    """

    template_fields: Sequence[str] = ("since", "until")

    def __init__(  # noqa: PLR0913 - an operator is told everything here
        self,
        *,
        repo: str,
        branch: str = DEFAULT_BRANCH,
        project: str = DEFAULT_PROJECT,
        history: bool = False,
        since: str = "",
        until: str = "",
        pfs_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        self.head_asset = pfs_asset(repo, branch, project=project, pfs_conn_id=pfs_conn_id)
        self.commits_asset = pfs_commits(repo, branch, project=project)
        assets = {"inlets": [self.head_asset, self.commits_asset], "outlets": [self.commits_asset]}
        super().__init__(**assets | kwargs)
        self.branch_key = asset_branch(self.head_asset.uri)
        self.history = history
        self.since = since
        self.until = until
        self.pfs_conn_id = pfs_conn_id

    def execute(self, context: "Context") -> int:
        """Announce what there is."""
        with airflow_errors(), PfsHook(self.pfs_conn_id).get_conn() as pfs:
            if self.since or self.until:
                chosen = commits_between(pfs, self.branch_key, since=self.since, until=self.until)
                return self._announce(context, [commit.id for commit in chosen])
            announced = self._find_announced(context)
            landed = self._find_landed(pfs, announced)
        known = set(announced["moved"]) if announced else set()
        new = [commit.id for commit in landed.commits if commit.id not in known]
        after = {"event": landed.cursor, "moved": _keep_newest(announced, landed.moved)}
        if landed.commits:
            # Until this is the head, the trigger goes on to announce it, which brings the next run.
            context["asset_state_store"][self.head_asset].set(TAKEN_KEY, landed.commits[-1].id)
        state: Any = context["asset_state_store"][self.commits_asset]
        if new:
            state.set(PENDING_KEY, after | {"run": context["ti"].run_id})
        else:
            state.set(ANNOUNCED_KEY, after)
        return self._announce(context, new)

    def _find_announced(self, context: "Context") -> dict[str, Any] | None:
        """Return how far all is announced; None before the first time."""
        state: Any = context["asset_state_store"][self.commits_asset]
        pending = state.get(PENDING_KEY)
        if pending is not None:
            if self._has_succeeded(context, pending["run"]):
                state.set(ANNOUNCED_KEY, pending)
            state.delete(PENDING_KEY)
        found: dict[str, Any] | None = state.get(ANNOUNCED_KEY)
        return found

    def _has_succeeded(self, context: "Context", run: str) -> bool:
        ti = context["ti"]
        if run == ti.run_id:  # an earlier try of this task: it would not be here if that had
            return False
        task: dict[str, Any] = {"dag_id": ti.dag_id, "task_ids": [ti.task_id], "run_ids": [run]}
        n_succeeded = ti.get_ti_count(**task, states=["success"])
        # A run that is gone was cleaned up long after its end.
        return n_succeeded > 0 or ti.get_ti_count(**task) == 0

    def _find_landed(self, pfs: "Pfs", announced: dict[str, Any] | None) -> Landings:
        last = pfs.last_event_number()
        cursor = None if announced is None else announced["event"]
        if cursor is None or cursor > last:  # the first time, or the first time in this catalog
            if not self.history:
                return _head(pfs, self.branch_key, last)
            cursor = 0
        return landings_since(pfs, self.branch_key, cursor, stop_at=MAX_PARTITIONS)

    def _announce(self, context: "Context", commits: list[str]) -> int:
        if not commits:
            raise AirflowSkipException(f"{self.branch_key}: no commit that was not announced")
        context["outlet_events"][self.commits_asset].add_partitions(commits)
        self.log.info("%s: %d commits, the last is %s", self.branch_key, len(commits), commits[-1])
        return len(commits)


def _keep_newest(announced: dict[str, Any] | None, moved: Sequence[str]) -> list[str]:
    before = announced["moved"] if announced else []
    return list(dict.fromkeys([*before, *moved]))[-MAX_MOVED:]


def _head(pfs: "Pfs", branch: "BranchKey", last: int) -> Landings:
    try:
        commits = pfs.list_commits(branch.full)
        head = next((commit for commit in commits if commit.state == "finished"), None)
    except NotFoundError:  # neither branch nor repo need exist yet
        head = None
    if head is None:
        return Landings(commits=(), cursor=last, is_all=True)
    moved = (head.id,) if head.branch != branch.name else ()
    return Landings(commits=(head,), moved=moved, cursor=last, is_all=True)

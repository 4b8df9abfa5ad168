"""PfsDispatchOperator: give each new commit of a branch a DAG run of its own."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
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

    from pfs_provider.infos import CommitInfo
    from pfs_provider.pfs import Pfs

__all__ = ["CURSOR_KEY", "PfsDispatchOperator"]

CURSOR_KEY = "pfs_event"
"""In the ``extra`` of what is announced, and in the asset's state: the catalog's event number."""

MAX_PARTITIONS = 500
"""About so many commits are announced by one task; Airflow stores them in one request."""

RECENT = 20
"""Events among which the last announcement is looked for; others are made by hand."""

SKEW = timedelta(hours=1)
"""By how much the clocks of catalog and Airflow may differ."""


class PfsDispatchOperator(BaseOperator):
    """Announce each new commit of a branch as a partition of ``pfs_commits``; skip if none is new.

    Where the last run stopped stands in the announcement itself. Airflow stores it in the
    transaction that makes the task a success, so no kill and no retry announces a commit twice or
    loses one. Runs of one branch must not overlap: ``dispatch_dag`` sees to that.

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
                return self._announce(context, [commit.id for commit in chosen], {})
            landed = self._find_landed(context, pfs)
        new = self._without_announced(context, landed.commits)
        if landed.commits:
            # Until this is the head, the trigger goes on to announce it, which brings the next run.
            context["asset_state_store"][self.head_asset].set(TAKEN_KEY, landed.commits[-1].id)
        if not new:
            context["asset_state_store"][self.commits_asset].set(CURSOR_KEY, landed.cursor)
        return self._announce(context, new, {CURSOR_KEY: landed.cursor})

    def _find_landed(self, context: "Context", pfs: "Pfs") -> Landings:
        last = pfs.last_event_number()
        cursor = self._find_cursor(context)
        if cursor is None or cursor > last:  # the first time, or the first time in this catalog
            if not self.history:
                return _head(pfs, self.branch_key.full, last)
            cursor = 0
        return landings_since(pfs, self.branch_key, cursor, stop_at=MAX_PARTITIONS)

    def _find_cursor(self, context: "Context") -> int | None:
        """Return where the last run stopped, whether or not it found something; None before it."""
        recent = context["inlet_events"][self.commits_asset].ascending(False).limit(RECENT)
        told = [(event.extra or {}).get(CURSOR_KEY) for event in recent]
        told.append(context["asset_state_store"][self.commits_asset].get(CURSOR_KEY))
        return max((number for number in told if isinstance(number, int)), default=None)

    def _without_announced(self, context: "Context", commits: "Sequence[CommitInfo]") -> list[str]:
        """Leave out what was announced before: a branch may be moved back and forth."""
        times = [commit.finished or commit.started for commit in commits]
        if not times:
            return []
        events = context["inlet_events"][self.commits_asset].after((min(times) - SKEW).isoformat())
        announced = {event.partition_key for event in events}
        return [commit.id for commit in commits if commit.id not in announced]

    def _announce(self, context: "Context", commits: Iterable[str], extra: dict[str, int]) -> int:
        found = list(commits)
        if not found:
            raise AirflowSkipException(f"{self.branch_key}: no commit that was not announced")
        outlet = context["outlet_events"][self.commits_asset]
        outlet.extra.update(extra)
        outlet.add_partitions(found)
        self.log.info("%s: %d commits, the last is %s", self.branch_key, len(found), found[-1])
        return len(found)


def _head(pfs: "Pfs", branch: str, last: int) -> Landings:
    try:
        finished = (commit for commit in pfs.list_commits(branch) if commit.state == "finished")
        head = next(finished, None)
    except NotFoundError:  # neither branch nor repo need exist yet
        head = None
    return Landings(commits=() if head is None else (head,), cursor=last, is_all=True)

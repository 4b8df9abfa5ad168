"""Assets of Airflow that stand for branches, and for the commits of branches.

``pfs://[project.]repo/branch`` has an event when something landed; ``…?each=commit`` has an event
with a partition key, the commit's id, for each commit (partitions.py).

Invariants: one branch has one URI, one name and one trigger, so that Airflow sees one asset however
many DAGs name it; making an asset does no I/O, because DAG files make them while they are parsed.
Must not know: what a commit is.
"""

from urllib.parse import SplitResult, urlunsplit

from airflow.sdk import Asset, AssetWatcher

from pfs_provider.airflow.triggers.commits import CommitTrigger
from pfs_provider.airflow.uris import asset_branch, asset_uri, commits_uri
from pfs_provider.refs.addresses import parse_uri
from pfs_provider.refs.names import (
    DEFAULT_BRANCH,
    DEFAULT_PROJECT,
    BranchKey,
    RepoKey,
    parse_branch_name,
    parse_project_name,
    parse_repo_name,
)

__all__ = ["create_asset", "pfs_asset", "pfs_commits", "sanitize_uri"]


def pfs_asset(
    repo: str,
    branch: str = DEFAULT_BRANCH,
    *,
    project: str = DEFAULT_PROJECT,
    pfs_conn_id: str = "pfs_default",
) -> Asset:
    """Return the asset of a branch: a DAG scheduled on it runs when commits land there.

    Args:
        repo: Name of a repo; it need not exist yet.
        branch: Name of a branch; it need not exist yet.
        project: The repo's project.
        pfs_conn_id: The Airflow connection whose catalog is watched.

    Raises:
        RefusedError: ``name-illegal``: one of the names cannot exist.
    """
    uri = asset_uri(_parse_key(repo, branch, project))
    trigger = CommitTrigger(repo=repo, branch=branch, project=project, pfs_conn_id=pfs_conn_id)
    return Asset(name=uri, uri=uri, watchers=[AssetWatcher(name=uri, trigger=trigger)])


def pfs_commits(
    repo: str, branch: str = DEFAULT_BRANCH, *, project: str = DEFAULT_PROJECT
) -> Asset:
    """Return the asset that has one partition for each commit of a branch, its key the commit's id.

    Its events come from the DAG that ``dispatch_dag`` makes. Arguments as for :func:`pfs_asset`.
    """
    uri = commits_uri(_parse_key(repo, branch, project))
    return Asset(name=uri, uri=uri)


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Check a ``pfs://`` URI for Airflow. Raises RefusedError, a ValueError."""
    if uri.query:
        asset_branch(urlunsplit(uri))
    else:
        parse_uri(urlunsplit(uri))
    return uri


def create_asset(*, uri: str, extra: dict[str, object] | None = None) -> Asset:
    """Return the asset of a URI that a hook has read or written, for Airflow's lineage."""
    parse_uri(uri)
    return Asset(name=uri, uri=uri, extra=extra)  # type: ignore[arg-type]  # Airflow wants JSON


def _parse_key(repo: str, branch: str, project: str) -> BranchKey:
    return BranchKey(
        RepoKey(parse_project_name(project), parse_repo_name(repo)), parse_branch_name(branch)
    )

"""Assets of Airflow that stand for branches: ``pfs://[project.]repo/branch``.

Invariants: one branch has one URI, one name and one trigger, so that Airflow sees one asset however
many DAGs name it; making an asset does no I/O, because DAG files make them while they are parsed.
Must not know: what a commit is.
"""

from urllib.parse import SplitResult, urlunsplit

from airflow.sdk import Asset, AssetWatcher

from pfs_provider.airflow.triggers.commits import CommitTrigger
from pfs_provider.airflow.uris import asset_uri
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

__all__ = ["create_asset", "pfs_asset", "sanitize_uri"]


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
    key = BranchKey(
        RepoKey(parse_project_name(project), parse_repo_name(repo)), parse_branch_name(branch)
    )
    uri = asset_uri(key)
    trigger = CommitTrigger(repo=repo, branch=branch, project=project, pfs_conn_id=pfs_conn_id)
    return Asset(name=uri, uri=uri, watchers=[AssetWatcher(name=uri, trigger=trigger)])


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Check a ``pfs://`` URI for Airflow. Raises RefusedError, a ValueError."""
    parse_uri(urlunsplit(uri))
    return uri


def create_asset(*, uri: str, extra: dict[str, object] | None = None) -> Asset:
    """Return the asset of a URI that a hook has read or written, for Airflow's lineage."""
    parse_uri(uri)
    return Asset(name=uri, uri=uri, extra=extra)  # type: ignore[arg-type]  # Airflow wants JSON

"""``pfs://[project.]repo/branch``: how an asset names a branch, and ``…?each=commit`` its commits.

Invariant: one branch has one URI, and so have its commits. Must not know: Airflow.
"""

from pfs_provider.refs.addresses import parse_uri
from pfs_provider.refs.names import DEFAULT_PROJECT, BranchKey

__all__ = ["asset_branch", "asset_uri", "commits_uri"]

EACH_COMMIT = "?each=commit"


def asset_uri(key: BranchKey) -> str:
    """Return the URI of a branch; the default project is left out."""
    prefix = "" if key.repo.project == DEFAULT_PROJECT else f"{key.repo.project}."
    return f"pfs://{prefix}{key.repo.name}/{key.name}"


def commits_uri(key: BranchKey) -> str:
    """Return the URI of the asset that has a partition for each commit of a branch."""
    return f"{asset_uri(key)}{EACH_COMMIT}"


def asset_branch(uri: str) -> BranchKey:
    """Return the branch that an asset's URI names.

    Raises:
        RefusedError: ``address-illegal``: the URI names no branch.
    """
    return parse_uri(uri.removesuffix(EACH_COMMIT)).branch_key

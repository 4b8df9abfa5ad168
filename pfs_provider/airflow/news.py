"""What landed on an asset's branch and has not been processed, for tasks that are no pipeline.

Airflow merges asset events and may leave the last ones without a run, so a task asks the catalog,
not the event: ``unprocessed_commits`` gives all that landed since ``mark_processed``. Both need the
asset among the task's ``inlets``. Marks lie in Airflow's asset state store; the trigger announces a
head again while no task has taken it up.
Must not know: what is done with the commits.
"""

from typing import TYPE_CHECKING, Any

from pfs_provider.airflow.hook import DEFAULT_CONNECTION, PfsHook
from pfs_provider.airflow.uris import asset_branch

if TYPE_CHECKING:
    from airflow.sdk import Asset, Context

    from pfs_provider.pfs import Pfs

__all__ = ["PROCESSED_KEY", "TAKEN_KEY", "mark_processed", "unprocessed_commits"]

TAKEN_KEY = "pfs_taken"
PROCESSED_KEY = "pfs_processed"


def unprocessed_commits(
    context: "Context", asset: "Asset", *, pfs_conn_id: str = DEFAULT_CONNECTION
) -> list[str]:
    """Return the ids of the commits that landed since the last mark, oldest first.

    Without a mark these are all commits of the branch. Idempotent until :func:`mark_processed`.

    Args:
        context: The task's context; the task has the asset in its ``inlets``.
        asset: Made by ``pfs_asset``.
        pfs_conn_id: The connection that the asset is watched through.
    """
    state = _state(context, asset)
    with PfsHook(pfs_conn_id).get_conn() as pfs:
        found = _list_since(pfs, asset_branch(asset.uri).full, state.get(PROCESSED_KEY))
    if found:
        state.set(TAKEN_KEY, found[-1])
    return found


def mark_processed(context: "Context", asset: "Asset", commit: str) -> None:
    """Note that this commit and all before it are processed.

    Args:
        context: The task's context; the task has the asset in its ``inlets``.
        asset: Made by ``pfs_asset``.
        commit: The last of what :func:`unprocessed_commits` gave.
    """
    _state(context, asset).set(PROCESSED_KEY, commit)


def _state(context: "Context", asset: "Asset") -> Any:
    return context["asset_state_store"][asset]


def _list_since(pfs: "Pfs", branch: str, last: str | None) -> list[str]:
    found: list[str] = []
    for commit in pfs.list_commits(branch):
        if commit.id == last:
            break
        if commit.state == "finished":
            found.append(commit.id)
    return found[::-1]

"""One DAG run for each commit of a branch.

    dispatch_dag("images")                                      # once for a branch

    @dag(schedule=per_commit("images"), catchup=False)          # as many as you like
    def thumbnails():
        commit = PfsTakeCommitOperator(task_id="commit", repo="images")
        make_thumbnails(commit.output)

Airflow merges events of an asset into one run; only runs with a partition key stay apart, and only
a task can give those. So a small DAG is run by the branch's asset and gives each new commit's id as
a partition of the asset ``pfs_commits``; DAGs scheduled on that run once for each.
Must not know: which commits are new (operators/dispatch.py).
Source: docs/design/0006-airflow-events.md.
"""

import re
from typing import Any

from airflow.sdk import DAG, Param, PartitionedAssetTimetable

from pfs_provider.airflow.assets import pfs_asset, pfs_commits
from pfs_provider.airflow.hook import DEFAULT_CONNECTION
from pfs_provider.airflow.operators.dispatch import PfsDispatchOperator
from pfs_provider.refs.names import DEFAULT_BRANCH, DEFAULT_PROJECT

__all__ = ["dispatch_dag", "per_commit"]

RETRIES = 3


def per_commit(
    repo: str, branch: str = DEFAULT_BRANCH, *, project: str = DEFAULT_PROJECT
) -> PartitionedAssetTimetable:
    """Return the schedule of a DAG that runs once for each commit; ``dag_run.partition_key`` is it.

    Args:
        repo: The repo.
        branch: The branch; ``dispatch_dag`` must be called for it somewhere, once.
        project: The repo's project.
    """
    return PartitionedAssetTimetable(assets=pfs_commits(repo, branch, project=project))


def dispatch_dag(
    repo: str,
    branch: str = DEFAULT_BRANCH,
    *,
    project: str = DEFAULT_PROJECT,
    history: bool = False,
    dag_id: str | None = None,
    pfs_conn_id: str = DEFAULT_CONNECTION,
    **dag_arguments: Any,
) -> DAG:
    """Return the DAG that gives each commit of a branch a run of its own; Airflow finds it.

    Started by hand with the parameter ``since`` it announces that commit and all after it again,
    for DAGs that were made or unpaused later; ``until`` names the last one.

    Args:
        repo: The repo; it need not exist yet.
        branch: The branch; it need not exist yet.
        project: The repo's project.
        history: Begin with the first commit of the branch, instead of its head.
        dag_id: The DAG's name; by default ``pfs_dispatch_<repo>_<branch>``.
        pfs_conn_id: The Airflow connection whose catalog is watched.
        dag_arguments: More arguments of ``DAG``.
    """
    head = pfs_asset(repo, branch, project=project, pfs_conn_id=pfs_conn_id)
    names = (project, repo, branch) if project != DEFAULT_PROJECT else (repo, branch)
    options: dict[str, Any] = {
        "catchup": False,
        "tags": ["pfs"],
        "description": f"Gives each commit of {repo}@{branch} a run of its own",
    }
    with DAG(
        dag_id=dag_id or re.sub(r"[^A-Za-z0-9_.-]", "_", "_".join(("pfs_dispatch", *names))),
        schedule=[head],
        max_active_runs=1,  # two at once would announce the same commits twice
        params={
            "since": Param("", type="string", description="First commit to announce again"),
            "until": Param("", type="string", description="Last one; empty means the head"),
        },
        **options | dag_arguments,
    ) as made:
        PfsDispatchOperator(
            task_id="dispatch",
            repo=repo,
            branch=branch,
            project=project,
            history=history,
            since="{{ params.since }}",
            until="{{ params.until }}",
            pfs_conn_id=pfs_conn_id,
            retries=RETRIES,
        )
    return made

"""Airflow's door: hook, operators, sensors, triggers, assets and links for Airflow 3.3 and later.

Invariants: importing this package imports nothing else, Airflow least of all; each name is loaded
when it is asked for. Nothing here touches Airflow's own database. Must not know: any rule of the
domain; a class here turns arguments into one call of ``Pfs`` and its answer into Airflow's words.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pfs_provider.airflow.assets import pfs_asset, pfs_commits
    from pfs_provider.airflow.callbacks import pfs_mount
    from pfs_provider.airflow.hook import PfsHook
    from pfs_provider.airflow.links import PfsCommitLink, PfsJobLink, PfsPodsLink
    from pfs_provider.airflow.map_group import PfsMapGroup
    from pfs_provider.airflow.news import mark_processed, unprocessed_commits
    from pfs_provider.airflow.operators.apply_specs import PfsApplySpecsOperator
    from pfs_provider.airflow.operators.backfill import PfsBackfillOperator
    from pfs_provider.airflow.operators.commit import PfsCommitOperator
    from pfs_provider.airflow.operators.create_pipeline import PfsCreatePipelineOperator
    from pfs_provider.airflow.operators.dispatch import PfsDispatchOperator
    from pfs_provider.airflow.operators.job import PfsJobOperator
    from pfs_provider.airflow.operators.pipeline import PfsPipelineOperator
    from pfs_provider.airflow.operators.put_files import PfsPutFilesOperator
    from pfs_provider.airflow.operators.take_commit import PfsTakeCommitOperator
    from pfs_provider.airflow.partitions import dispatch_dag, per_commit
    from pfs_provider.airflow.pipeline_dags import pipeline_dag
    from pfs_provider.airflow.sensors.commit import PfsCommitSensor
    from pfs_provider.airflow.sensors.job import PfsJobSensor
    from pfs_provider.airflow.triggers.commits import CommitTrigger

__all__ = [
    "CommitTrigger",
    "PfsApplySpecsOperator",
    "PfsBackfillOperator",
    "PfsCommitLink",
    "PfsCommitOperator",
    "PfsCommitSensor",
    "PfsCreatePipelineOperator",
    "PfsDispatchOperator",
    "PfsHook",
    "PfsJobLink",
    "PfsJobOperator",
    "PfsJobSensor",
    "PfsMapGroup",
    "PfsPipelineOperator",
    "PfsPodsLink",
    "PfsPutFilesOperator",
    "PfsTakeCommitOperator",
    "dispatch_dag",
    "mark_processed",
    "per_commit",
    "pfs_asset",
    "pfs_commits",
    "pfs_mount",
    "pipeline_dag",
    "unprocessed_commits",
]

_HOMES = {
    "CommitTrigger": "triggers.commits",
    "PfsApplySpecsOperator": "operators.apply_specs",
    "PfsBackfillOperator": "operators.backfill",
    "PfsCommitLink": "links",
    "PfsCommitOperator": "operators.commit",
    "PfsCommitSensor": "sensors.commit",
    "PfsCreatePipelineOperator": "operators.create_pipeline",
    "PfsDispatchOperator": "operators.dispatch",
    "PfsHook": "hook",
    "PfsJobLink": "links",
    "PfsJobOperator": "operators.job",
    "PfsJobSensor": "sensors.job",
    "PfsMapGroup": "map_group",
    "PfsPipelineOperator": "operators.pipeline",
    "PfsPodsLink": "links",
    "PfsPutFilesOperator": "operators.put_files",
    "PfsTakeCommitOperator": "operators.take_commit",
    "dispatch_dag": "partitions",
    "mark_processed": "news",
    "per_commit": "partitions",
    "pfs_asset": "assets",
    "pfs_commits": "assets",
    "pfs_mount": "callbacks",
    "pipeline_dag": "pipeline_dags",
    "unprocessed_commits": "news",
}


def __getattr__(name: str) -> Any:
    # lazy: a DAG file that wants one name should not pay for all of them
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

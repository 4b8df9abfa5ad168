"""The pipeline ``edges`` over mapped Airflow tasks: for setups without Kubernetes, on any executor.

The pipelines ``edges`` and ``montage`` have to exist; the DAG ``pfs_edges_montage`` creates them.
"""

from airflow.sdk import dag

from pfs_provider.airflow import PfsMapGroup, PfsPipelineOperator


@dag(
    dag_id="pfs_map_group",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    tags=["pfs", "example"],
)
def map_group() -> None:
    """Work on the photographs with up to three tasks side by side, then lay out one sheet."""
    edges = PfsMapGroup(pipeline="edges", workers=3, task_args={"retries": 2})
    montage = PfsPipelineOperator(task_id="montage", pipeline="montage")
    edges >> montage


map_group()

"""Runs the pipelines whenever something lands on ``images@master``: no schedule, no polling task.

The pipelines ``edges`` and ``montage`` have to exist; the DAG ``pfs_edges_montage`` creates them.
"""

from airflow.sdk import dag

from pfs_provider.airflow import PfsPipelineOperator, pfs_asset


@dag(
    dag_id="pfs_on_commit",
    schedule=[pfs_asset("images")],
    catchup=False,
    max_active_runs=1,  # a run does all there is to do: a second one beside it would find nothing
    default_args={"retries": 2},  # a retry takes up the job that the last try left
    tags=["pfs", "example"],
)
def on_commit() -> None:
    """Do what the new commits ask for."""
    edges = PfsPipelineOperator(task_id="edges", pipeline="edges")
    montage = PfsPipelineOperator(task_id="montage", pipeline="montage")
    edges >> montage


on_commit()

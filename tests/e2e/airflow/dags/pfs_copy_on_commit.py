"""For the tests: a pipeline run by an asset, quick to run."""

from airflow.sdk import dag

from pfs_provider.airflow import PfsPipelineOperator, pfs_asset


@dag(dag_id="copy_on_commit", schedule=[pfs_asset("photos")], catchup=False, max_active_runs=1)
def copy_on_commit() -> None:
    PfsPipelineOperator(task_id="copy", pipeline="copy")


copy_on_commit()

"""For the tests: runs started by hand. One is deferred; one is slow, so that it can be killed."""

from datetime import timedelta

from airflow.sdk import dag

from pfs_provider.airflow import PfsPipelineOperator


@dag(dag_id="copy_deferred", schedule=None, catchup=False)
def copy_deferred() -> None:
    PfsPipelineOperator(task_id="copy", pipeline="copy", deferrable=True)


@dag(dag_id="slow_retried", schedule=None, catchup=False)
def slow_retried() -> None:
    PfsPipelineOperator(
        task_id="slow", pipeline="slow", retries=3, retry_delay=timedelta(seconds=1)
    )


copy_deferred()
slow_retried()

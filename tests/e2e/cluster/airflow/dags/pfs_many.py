"""For the tests: one pipeline on Kubernetes, slept over in the triggerer, and held by a worker."""

from datetime import timedelta

from airflow.sdk import dag

from pfs_provider.airflow import PfsMapGroup, PfsPipelineOperator

RETRIES = {"retries": 3, "retry_delay": timedelta(seconds=1)}


@dag(dag_id="many_deferred", schedule=None, catchup=False, default_args=RETRIES)
def many_deferred() -> None:
    PfsPipelineOperator(task_id="many", pipeline="many", launcher="kubernetes")


@dag(dag_id="many_held", schedule=None, catchup=False, default_args=RETRIES)
def many_held() -> None:
    PfsPipelineOperator(task_id="many", pipeline="many", launcher="kubernetes", deferrable=False)


@dag(dag_id="many_mapped", schedule=None, catchup=False, default_args=RETRIES)
def many_mapped() -> None:
    PfsMapGroup(pipeline="many", workers=3)


many_deferred()
many_held()
many_mapped()

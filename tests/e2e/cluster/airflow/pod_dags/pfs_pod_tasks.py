"""For the tests: tasks that are pods themselves, and fan out over more pods."""

from datetime import timedelta

from airflow.sdk import dag

from pfs_provider.airflow import PfsMapGroup, PfsPipelineOperator

RETRIES = {"retries": 3, "retry_delay": timedelta(seconds=1)}


@dag(dag_id="pod_deferred", schedule=None, catchup=False, default_args=RETRIES)
def pod_deferred() -> None:
    PfsPipelineOperator(task_id="copy", pipeline="copy", launcher="kubernetes")


@dag(dag_id="pod_held", schedule=None, catchup=False, default_args=RETRIES)
def pod_held() -> None:
    PfsPipelineOperator(task_id="copy", pipeline="copy", launcher="kubernetes", deferrable=False)


@dag(dag_id="pod_mapped", schedule=None, catchup=False, default_args=RETRIES)
def pod_mapped() -> None:
    PfsMapGroup(pipeline="copy", workers=2)


pod_deferred()
pod_held()
pod_mapped()

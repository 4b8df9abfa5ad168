"""For the test of lineage: a put, a pipeline and an ordinary task, one after the other."""

import os

from airflow.sdk import dag, task

from pfs_provider.airflow import PfsHook, PfsPipelineOperator, PfsPutFilesOperator


@dag(dag_id="pfs_lineage", schedule=None, catchup=False)
def lineage() -> None:
    put = PfsPutFilesOperator(
        task_id="put", source=os.environ.get("PFS_TEST_SOURCE", ""), branch="photos@master"
    )
    copy = PfsPipelineOperator(task_id="copy", pipeline="copy")

    @task
    def count() -> None:
        with PfsHook().get_conn() as pfs:
            size = len(pfs.read_file("copy@master:/photo"))
            pfs.put_file("notes@master:/size", str(size).encode())

    put >> copy >> count()


lineage()

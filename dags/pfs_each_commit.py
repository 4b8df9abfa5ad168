"""One run for each commit of ``images@master``, however many land at once.

The first line makes the DAG that tells commits apart; once is enough for a branch. The task
``commit`` gives the run's commit, and skips the run of a commit that another run has done.
"""

from airflow.sdk import dag, task

from pfs_provider.airflow import PfsHook, PfsTakeCommitOperator, dispatch_dag, per_commit

dispatch_dag("images")


@dag(dag_id="pfs_each_commit", schedule=per_commit("images"), catchup=False, tags=["pfs"])
def each_commit() -> None:
    """List what the commit holds."""

    @task
    def list_files(commit: object) -> list[str]:
        with PfsHook().get_conn() as pfs:
            return [file.path for file in pfs.list_files(f"{commit}:/")]

    list_files(PfsTakeCommitOperator(task_id="commit", repo="images").output)


each_commit()

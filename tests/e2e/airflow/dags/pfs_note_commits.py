"""For the tests: an ordinary task that takes each commit of a branch once."""

import os
from pathlib import Path

from airflow.sdk import dag, get_current_context, task

from pfs_provider.airflow import mark_processed, pfs_asset, unprocessed_commits

NOTES = pfs_asset("notes")


@dag(dag_id="note_commits", schedule=[NOTES], catchup=False, max_active_runs=1)
def note_commits() -> None:
    @task(inlets=[NOTES])
    def note() -> int:
        context = get_current_context()
        commits = unprocessed_commits(context, NOTES)
        with Path(os.environ["AIRFLOW_HOME"], "taken.txt").open("a") as taken:
            taken.writelines(f"{commit}\n" for commit in commits)
        if commits:
            mark_processed(context, NOTES, commits[-1])
        return len(commits)

    note()


note_commits()

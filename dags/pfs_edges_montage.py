"""Photographs → their edges → one sheet of both, started by hand.

``pfs put file images@master -r -f folder`` first, then run this DAG; ``make demo`` does both. The
first task creates the repo and the two pipelines where they are missing, from ``specs/``. The other
two do what there is to do: only photographs that are new or changed are processed.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path

from airflow.sdk import dag, task

from pfs_provider.airflow import PfsHook, PfsPipelineOperator

HERE = Path(__file__).parent


@dag(
    dag_id="pfs_edges_montage",
    schedule=None,
    catchup=False,
    # A retry takes up the job that the last try left.
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["pfs", "example"],
)
def edges_montage() -> None:
    """Create the pipelines if they are missing, then run them in turn."""

    @task
    def create_pipelines() -> None:
        with PfsHook().get_conn() as pfs:
            if "images" not in {repo.name for repo in pfs.list_repos()}:
                pfs.create_repo("images")
            known = {pipeline.name for pipeline in pfs.list_pipelines()}
            for name in ("edges", "montage"):
                if name not in known:
                    spec = json.loads((HERE / "specs" / f"{name}.json").read_text())
                    # Processes on this machine run the script itself; in a cluster the image holds
                    # it.
                    spec["transform"]["cmd"] = [sys.executable, str(HERE / "code" / f"{name}.py")]
                    pfs.create_pipeline(spec)

    edges = PfsPipelineOperator(task_id="edges", pipeline="edges")
    montage = PfsPipelineOperator(task_id="montage", pipeline="montage")
    create_pipelines() >> edges >> montage


edges_montage()

"""Photographs → their edges → one sheet of both, in pods: a commit on ``images`` starts the run.

No worker slot is held while the pods work. What is to be known of the cluster is in the settings
(``PFS_K8S_WORKER_IMAGE``, ``PFS_K8S_NAMESPACE``, …); user code is any image with Pillow, here named
by ``PFS_DEMO_IMAGE``: it gets the script on its standard input. ``pfs create repo images`` first,
then unpause the DAG.
"""

import json
import os
from pathlib import Path
from typing import Any

from airflow.sdk import dag

from pfs_provider.airflow import PfsCreatePipelineOperator, PfsPipelineOperator, pfs_asset

HERE = Path(__file__).parent
IMAGE = os.environ.get("PFS_DEMO_IMAGE", "python-imaging:3")


def _spec(name: str, **more: Any) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads((HERE / "specs" / f"{name}.json").read_text())
    script = (HERE / "code" / f"{name}.py").read_text().splitlines()
    return spec | {"transform": {"image": IMAGE, "cmd": ["python3", "-"], "stdin": script}} | more


@dag(
    dag_id="pfs_kubernetes",
    schedule=[pfs_asset("images")],
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    default_args={"retries": 2},  # a retry adopts the pods that the last try left
    tags=["pfs", "example", "kubernetes"],
)
def on_kubernetes() -> None:
    """Create the pipelines where they are missing, then run them in turn."""
    create = PfsCreatePipelineOperator(
        task_id="create_edges", spec=_spec("edges", parallelism_spec={"constant": 4})
    )
    lay_out = PfsCreatePipelineOperator(task_id="create_montage", spec=_spec("montage"))
    edges = PfsPipelineOperator(task_id="edges", pipeline="edges", launcher="kubernetes")
    montage = PfsPipelineOperator(task_id="montage", pipeline="montage", launcher="kubernetes")
    create >> lay_out >> edges >> montage


on_kubernetes()

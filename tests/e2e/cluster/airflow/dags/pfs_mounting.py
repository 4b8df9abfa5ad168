"""For the tests: a plain KubernetesPodOperator that reads a commit and makes one."""

import os

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import dag

from pfs_provider.airflow import pfs_mount


@dag(dag_id="mounting", schedule=None, catchup=False)
def mounting() -> None:
    KubernetesPodOperator(
        task_id="train",
        name="train",
        namespace=os.environ.get("PFS_K8S_NAMESPACE", "default"),
        config_file=os.environ.get("KUBECONFIG"),
        in_cluster=False,
        startup_timeout_seconds=600,  # on a busy machine
        image=os.environ.get("PFS_K8S_USER_IMAGE", "busybox:1"),
        cmds=["sh", "-c", "cat /pfs/photos/* > /pfs/out/all && env > /pfs/out/env"],
        callbacks=pfs_mount(
            {"photos": "photos@master"},
            output="model@master",
            worker_image=os.environ.get("PFS_K8S_WORKER_IMAGE", ""),
            store=os.environ.get("PFS_STORE", ""),
            store_secret="store",
        ),
    )


mounting()

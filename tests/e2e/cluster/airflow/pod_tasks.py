"""An Airflow whose tasks are pods: what the cluster needs for them, and their pod template.

Tasks and triggerer have the accounts and the rights that deploy/kustomize/overlays/airflow gives
them, and nothing more; the scheduler runs beside the cluster as its owner.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import Cluster
from tests.deployments import Object, as_yaml, of_kind, renamed, render_overlay

__all__ = ["TaskPlace", "pod_template", "task_place"]

HOME = "/opt/airflow"
ACCOUNTS = ("airflow-worker", "airflow-triggerer")
SECRET = "airflow-pfs"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPlace:
    """Two namespaces: Airflow's, for tasks, and that of workers, which tasks fan out to."""

    cluster: Cluster
    tasks: str
    workers: str

    def kubeconfig_of(self, account: str, path: Path) -> Path:
        """Write a kubeconfig with which one is an account of Airflow's namespace."""
        token = self.cluster.kubectl("create", "token", account, "-n", self.tasks).strip()
        config = json.loads(self.cluster.kubectl("config", "view", "--raw", "-o", "json"))
        config["users"] = [{"name": account, "user": {"token": token}}]
        for context in config["contexts"]:
            context["context"]["user"] = account
        path.write_text(json.dumps(config))
        return path

    def task_pods(self) -> list[dict[str, Any]]:
        """The tasks that are pods now, ended or not."""
        return self.cluster.get("pods", self.tasks, "-l", "kubernetes_executor=True")

    def kill(self, pod: str) -> None:
        """End a pod as the loss of its machine would: nobody in it is asked."""
        self.cluster.kubectl(
            "delete", "pod", pod, "-n", self.tasks, "--grace-period=0", "--force", "--wait=false"
        )


@contextmanager
def task_place(
    cluster: Cluster, *, environment: Mapping[str, str], credentials: Mapping[str, str]
) -> Iterator[TaskPlace]:
    """Make the namespaces, the accounts with their rights, and the Secrets; remove them.

    Args:
        cluster: Where.
        environment: What every task gets as variables, beside where workers are.
        credentials: Those of the store, by the names of variables: the workers' Secret.
    """
    with cluster.namespace() as name:
        place = TaskPlace(cluster=cluster, tasks=f"{name}-airflow", workers=f"{name}-workers")
        try:
            cluster.kubectl("create", "namespace", place.tasks)
            cluster.kubectl("apply", "--server-side", "-f", "-", given=as_yaml(_accounts(place)))
            for secret, namespace, values in (
                (SECRET, place.tasks, {**environment, "PFS_K8S_NAMESPACE": place.workers}),
                ("pfs-store", place.workers, credentials),
            ):
                given = [f"--from-literal={key}={value}" for key, value in values.items()]
                cluster.kubectl("create", "secret", "generic", secret, "-n", namespace, *given)
            yield place
        finally:
            named = (place.tasks, place.workers)
            cluster.kubectl(
                "delete", "namespace", *named, "--wait=false", "--ignore-not-found", check=False
            )


def pod_template(image: str, *, dags: Path, logs: Path) -> Object:
    """Return the pod of a task, for KubernetesExecutor's ``pod_template_file``.

    Args:
        image: With Airflow and this provider.
        dags: Folder of this machine.
        logs: Folder of this machine that everybody may write; the server reads logs there.
    """
    volumes: dict[str, dict[str, Any]] = {
        "home": {"emptyDir": {}},
        "dags": {"hostPath": {"path": str(dags)}},
        "logs": {"hostPath": {"path": str(logs)}},
    }
    mounts = {"home": HOME, "dags": f"{HOME}/dags", "logs": f"{HOME}/logs"}
    own = {
        "AIRFLOW_HOME": HOME,
        "AIRFLOW__CORE__DAGS_FOLDER": mounts["dags"],
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": mounts["logs"],
        "HOME": HOME,
        "USER": "airflow",  # the image's user is a number, and has no name
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "task"},
        "spec": {
            "serviceAccountName": "airflow-worker",
            "restartPolicy": "Never",
            "securityContext": {"fsGroup": 65532},
            "containers": [
                {
                    "name": "base",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "env": [{"name": name, "value": value} for name, value in own.items()],
                    "envFrom": [{"secretRef": {"name": SECRET}}],
                    "volumeMounts": [
                        {"name": name, "mountPath": path} for name, path in mounts.items()
                    ],
                }
            ],
            "volumes": [{"name": name, **source} for name, source in volumes.items()],
        },
    }


def _accounts(place: TaskPlace) -> list[Object]:
    """Return the overlay ``airflow`` in these namespaces, and the accounts that it binds."""
    accounts: list[Object] = [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": name, "namespace": place.tasks},
        }
        for name in ACCOUNTS
    ]
    moved = renamed(render_overlay("airflow"), workers=place.workers, system=place.workers)
    for binding in of_kind(moved, "RoleBinding"):
        for subject in binding["subjects"]:
            assert subject["name"] in ACCOUNTS
            subject["namespace"] = place.tasks
    return [*moved, *accounts]

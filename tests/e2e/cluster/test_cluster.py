"""What the tests of this folder stand on: the image is in the nodes, pods reach the store."""

import json
import time
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.services import StorePlace

pytestmark = [pytest.mark.cluster, pytest.mark.minio, pytest.mark.timeout(900)]


def test_a_pod_of_the_worker_image_writes_into_the_store(
    cluster: Cluster, namespace: str, image: str, pod_store: StorePlace
) -> None:
    program = (
        "from pfs_provider import Pfs\n"
        "with Pfs(catalog='sqlite:////tmp/catalog.db') as pfs:\n"
        "    pfs.create_repo('r')\n"
        "    pfs.put_file('r@master:/f', b'from a pod')\n"
        "    print(pfs.read_file('r@master:/f').decode())\n"
    )
    variables = {name.upper(): value for name, value in pod_store.options.items()}
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "writer"},
        "spec": {
            "restartPolicy": "Never",
            "containers": [
                {
                    "name": "main",
                    "image": image,
                    "command": ["python", "-c", program],
                    "env": [
                        {"name": name, "value": value}
                        for name, value in (variables | {"PFS_STORE": pod_store.url}).items()
                    ],
                }
            ],
        },
    }

    cluster.kubectl("create", "-n", namespace, "-f", "-", given=json.dumps(pod))
    phase = _wait_for_end(cluster, namespace)

    said = cluster.kubectl("logs", "-n", namespace, "writer")
    assert (phase, said.strip()) == ("Succeeded", "from a pod")


def _wait_for_end(cluster: Cluster, namespace: str) -> str:
    deadline = time.monotonic() + 60
    while True:
        phase = str(cluster.get("pods", namespace)[0]["status"]["phase"])
        if phase in {"Succeeded", "Failed"} or time.monotonic() > deadline:
            return phase
        time.sleep(0.5)

"""What a worker in a pod serves while it works, asked for through the cluster."""

from typing import Any

import pytest

from pfs_provider.pfs import Pfs
from tests.cluster import Cluster
from tests.cluster_jobs import WAIT_S, copy_spec, pods, put_numbers, running, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.minio, pytest.mark.timeout(600)]

PORT = 9465


def test_a_pod_serves_the_figures_of_its_worker(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any]
) -> None:
    put_numbers(pfs, 6)
    pfs.create_pipeline(copy_spec("sleep 2", workers=1))
    namespace = options["namespace"]

    with running(pfs, options | {"metrics_port": PORT}) as run:
        (pod,) = wait_for(lambda: pods(cluster, namespace, phase="Running"))
        page = f"/api/v1/namespaces/{namespace}/pods/{pod}:{PORT}/proxy/metrics"

        def ask() -> str:
            text = cluster.kubectl("get", "--raw", page, check=False)  # it may be starting still
            return text if 'state="success"' in text else ""

        text = wait_for(ask)
        (job,) = run.result(WAIT_S)

    assert job.state == "success"
    assert f'job="{job.id}",pipeline="default/up",state="success",worker="k8s-0"' in text
    assert "pfs_worker_input_bytes_total" in text

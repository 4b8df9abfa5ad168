"""What a datum costs on Kubernetes: few long-lived pods beside one pod per datum.

    bench_pods.py [--datums=10000] [--pods=200] [--image=IMAGE]

Each datum is one tiny file and the command is `true`. The jobs' time runs from the launch of the
pods to the finished output commit; the last line starts as many pods as ``--pods`` says, each of
which does nothing, as an Indexed Job of its own. All of one run, one after the other.
Needs a cluster and MinIO, as the tests marked ``cluster`` do (tests/cluster.py).
"""

import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pfs_provider.pfs import Pfs
from tests.cluster import USER_IMAGE, Cluster, find_cluster, pod_host, worker_image
from tests.forwarder import Forwarder
from tests.services import REGION, need, s3_bucket, s3_options

PLACES = ((200, 4), (200, 16))
"""Datums and workers of the smaller jobs; the large one has 8 workers."""
LARGE_WORKERS = 8
PARALLEL_PODS = 50
WAIT_S = 900


def main() -> None:
    """Measure and print."""
    options = dict(word.removeprefix("--").split("=", 1) for word in sys.argv[1:] if "=" in word)
    n_large, n_pods = int(options.get("datums", "10000")), int(options.get("pods", "200"))
    try:
        cluster, image = find_cluster(), options.get("image") or worker_image()
        server = urlsplit(need("PFS_TEST_S3_ENDPOINT", "minio"))
    except pytest.skip.Exception as reason:
        print(f"left out: {reason}")
        return
    with ExitStack() as stack:
        target = (server.hostname or "", server.port or 80)
        door = stack.enter_context(Forwarder((pod_host(), 0), target))
        bucket = stack.enter_context(s3_bucket())
        host, port = door.address
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        namespace = stack.enter_context(cluster.namespace())
        pfs = stack.enter_context(
            Pfs(
                catalog=f"sqlite:///{folder / 'catalog.db'}",
                store=f"s3://{bucket}/pfs?endpoint=http://{host}:{port}&region={REGION}",
                store_options=s3_options(),
            )
        )
        where = {
            "kubeconfig": str(cluster.kubeconfig),
            "namespace": namespace,
            "worker_image": image,
            "user_image": USER_IMAGE,
        }
        print(f"{'way':<34}{'s':>8}{'datums/s':>10}{'ms a datum and worker':>23}")
        for n_datums, n_workers in (*PLACES, (n_large, LARGE_WORKERS)):
            taken, n_nodes = measure_job(pfs, cluster, folder, where, n_datums, n_workers)
            show(
                f"{n_datums} datums, {n_workers} workers, {n_nodes} nodes",
                taken,
                n_datums,
                n_workers,
            )
        taken = measure_pods(cluster, namespace, n_pods)
        show(f"{n_pods} pods, one a datum", taken, n_pods, PARALLEL_PODS)


def show(way: str, taken: float, n_datums: int, n_workers: int) -> None:
    """Print one line."""
    each = taken * n_workers / n_datums * 1e3
    print(f"{way:<34}{taken:>8.1f}{n_datums / taken:>10.1f}{each:>23.1f}", flush=True)


def measure_job(
    pfs: Pfs, cluster: Cluster, folder: Path, where: dict[str, Any], n_datums: int, n_workers: int
) -> tuple[float, int]:
    """Return the seconds that a job takes, and on how many nodes its pods ran."""
    name = f"n{n_datums}-w{n_workers}"
    source = folder / name
    source.mkdir()
    for number in range(n_datums):
        (source / f"{number:06d}").write_text(str(number))
    pfs.create_repo(f"in-{name}")
    pfs.create_pipeline(
        {
            "pipeline": {"name": name},
            "transform": {"cmd": ["true"]},
            "input": {"pfs": {"repo": f"in-{name}", "glob": "/*"}},
            "parallelism_spec": {"constant": n_workers},
        }
    )
    with pfs.commit(f"in-{name}@master") as commit:
        commit.put_tree("/", source)
    nodes: set[str] = set()

    def look(_: object) -> None:
        for pod in cluster.get("pods", str(where["namespace"])):
            nodes.add(str(pod["spec"].get("nodeName", "")))

    start = time.monotonic()
    jobs = pfs.run(name, launcher="kubernetes", cluster=where, on_progress=look)
    taken = time.monotonic() - start
    assert [(job.state, job.processed) for job in jobs] == [("success", n_datums)], jobs
    return taken, len(nodes - {""})


def measure_pods(cluster: Cluster, namespace: str, n_pods: int) -> float:
    """Return the seconds that so many pods take which do nothing."""
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "one-pod-a-datum"},
        "spec": {
            "completions": n_pods,
            "parallelism": PARALLEL_PODS,
            "completionMode": "Indexed",
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    "containers": [{"name": "main", "image": USER_IMAGE, "command": ["true"]}],
                }
            },
        },
    }
    start = time.monotonic()
    cluster.kubectl("create", "-n", namespace, "-f", "-", given=json.dumps(job))
    while True:
        status = cluster.get("jobs", namespace, "--field-selector=metadata.name=one-pod-a-datum")
        if status[0]["status"].get("succeeded", 0) >= n_pods:
            return time.monotonic() - start
        assert time.monotonic() - start < WAIT_S, f"{n_pods} pods: not within {WAIT_S} s"
        time.sleep(0.5)


if __name__ == "__main__":
    main()

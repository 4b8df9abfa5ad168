"""Faults of a cluster itself; run by test_private_faults.py inside a cluster that nobody else uses.

Not collected by name: here nodes are killed, and the API server with them.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.pfs import Pfs
from tests.cluster import Cluster
from tests.cluster_jobs import check_outcome, copy_spec, put_numbers, running, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.minio, pytest.mark.timeout(400)]

TOOLS = Path(os.environ["PFS_TEST_CLUSTER"])


def _has_begun(pfs: Pfs) -> bool:
    found = pfs.list_jobs("up")
    return bool(found) and pfs.inspect_job(f"up@{found[0].id}").processed > 0


@pytest.fixture
def lost_nodes() -> Iterator[list[str]]:
    """Nodes that the test has killed; they are started again."""
    names: list[str] = []
    yield names
    for name in names:
        subprocess.check_call([str(TOOLS / "start-node"), name], stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("workers", [1, 4], ids=["all workers", "some workers"])
def test_a_node_that_is_killed_only_costs_time(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any], lost_nodes: list[str], workers: int
) -> None:
    put_numbers(pfs, 12)
    pfs.create_pipeline(copy_spec("sleep 1", workers=workers))

    with running(pfs, options) as run:
        wait_for(lambda: _has_begun(pfs))
        on = [pod["spec"]["nodeName"] for pod in cluster.get("pods", options["namespace"])]
        subprocess.check_call([str(TOOLS / "kill-node"), on[0]], stdout=subprocess.DEVNULL)
        lost_nodes.append(on[0])
        (job,) = run.result(240)
    # The pods of a node that is lost end when it comes back, or when it is given up.
    subprocess.check_call([str(TOOLS / "start-node"), lost_nodes.pop()], stdout=subprocess.DEVNULL)
    wait_for(lambda: not cluster.get("pods", options["namespace"]))

    check_outcome(pfs, cluster, options["namespace"], job, 12)


def test_an_api_server_that_is_away_for_30_s_is_told_and_outlasted(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any]
) -> None:
    put_numbers(pfs, 40)
    pfs.create_pipeline(copy_spec("sleep 1", workers=1))
    server = int(subprocess.check_output(["pgrep", "-n", "-f", "kube-apiserver"]).split()[0])

    with running(pfs, options) as run:
        wait_for(lambda: _has_begun(pfs))
        os.kill(server, signal.SIGSTOP)
        begun = time.monotonic()
        try:
            told = wait_for(lambda: pfs.list_jobs("up")[0].reason)
            time.sleep(max(0, 30 - (time.monotonic() - begun)))
        finally:
            os.kill(server, signal.SIGCONT)
        wait_for(lambda: not pfs.list_jobs("up")[0].reason)
        (job,) = run.result(200)

    assert "does not answer" in told
    check_outcome(pfs, cluster, options["namespace"], job, 40)

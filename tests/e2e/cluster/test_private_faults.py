"""Nodes and API servers that fail, in a cluster of the test's own: private_faults.py in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import ROOT, Cluster, worker_image

pytestmark = [pytest.mark.cluster, pytest.mark.minio, pytest.mark.timeout(900)]

SERVICES = Path(os.environ.get("PFS_SERVICES") or ROOT.parent / "shared" / "services")
TOOLS = Path(os.environ.get("PFS_TEST_CLUSTER") or ROOT.parent / "shared" / "testcluster")
RUN = 'eval "$("$1" up)"; shift; exec "$@"'
"""Starts MinIO in the private network, which sees no other, and then the tests."""


def test_jobs_outlast_nodes_and_api_servers_that_fail(cluster: Cluster, tmp_path: Path) -> None:
    """``cluster`` only says that there can be one here."""
    private, minio = TOOLS / "private", SERVICES / "minio"
    for script in (private, minio):
        if not script.is_file():
            pytest.skip(f"{script} is missing: PFS_TEST_CLUSTER and PFS_SERVICES name the folders")
    image = worker_image()
    inner = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly",
             f"--basetemp={tmp_path / 'inner'}",
             str(Path(__file__).with_name("private_faults.py"))]  # fmt: skip
    environment = os.environ | {
        "TESTCLUSTER_UP": f"--image {image}",
        "PFS_TEST_CLUSTER": str(TOOLS),
        "PFS_TEST_WORKER_IMAGE": image,
        "PFS_SERVICES_STATE": str(tmp_path / "services"),
        "PFS_MINIO_PORT": "19000",
    }

    done = subprocess.run(
        [str(private), "bash", "-c", RUN, "bash", str(minio), *inner],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=850, check=False,
    )  # fmt: skip

    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    assert "3 passed" in done.stdout

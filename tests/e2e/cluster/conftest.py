"""A cluster, our image in it, and a store that both its pods and this process reach.

cluster          a Cluster (kubectl, get, namespace); skips by name without one
namespace        the name of a new one
image            the worker's image
door             the Forwarder in front of MinIO: ``door.stop()`` takes the store away
pod_store        a StorePlace whose URL holds for pods and for this process
options          the ``cluster`` argument of Pfs.run: namespace, images
pfs              a Pfs on that store, with a SQLite catalog
own_postgres     a PostgreSQL of the test's own: its URL, and what restarts it
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pfs_provider.pfs import Pfs
from tests.cluster import ROOT, USER_IMAGE, Cluster, find_cluster, pod_host, worker_image
from tests.cluster_jobs import wait_for
from tests.forwarder import Forwarder
from tests.services import REGION, StorePlace, need, s3_options

SERVICES = Path(os.environ.get("PFS_SERVICES") or ROOT.parent / "shared" / "services")
"""Folder of the scripts that start services; read before tests have an environment of their own."""


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return find_cluster()


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    with cluster.namespace() as name:
        yield name


@pytest.fixture(scope="session")
def image(cluster: Cluster) -> str:
    return worker_image()


@pytest.fixture
def door(cluster: Cluster) -> Iterator[Forwarder]:
    server = urlsplit(need("PFS_TEST_S3_ENDPOINT", "minio"))
    with Forwarder((pod_host(), 0), (server.hostname or "", server.port or 80)) as forwarder:
        yield forwarder


@pytest.fixture
def pod_store(door: Forwarder, minio_bucket: str, tmp_path: Path) -> StorePlace:
    host, port = door.address
    url = f"s3://{minio_bucket}/{tmp_path.name}?endpoint=http://{host}:{port}&region={REGION}"
    return StorePlace(url=url, options=s3_options())


@pytest.fixture
def options(cluster: Cluster, namespace: str, image: str) -> dict[str, Any]:
    return {
        "kubeconfig": str(cluster.kubeconfig),
        "namespace": namespace,
        "worker_image": image,
        "user_image": USER_IMAGE,
    }


@pytest.fixture
def pfs(pod_store: StorePlace, sqlite_url: str) -> Iterator[Pfs]:
    with Pfs(catalog=sqlite_url, store=pod_store.url, store_options=pod_store.options) as opened:
        yield opened


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """A PostgreSQL that this test alone uses: its URL, and what restarts it."""
    script = SERVICES / "postgres"
    if not script.is_file():
        pytest.skip(f"{script} is missing, which starts PostgreSQL: PFS_SERVICES names its folder")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    state = Path(tempfile.mkdtemp())
    state.chmod(0o755)  # PostgreSQL's own account must get through
    environment = os.environ | {"PFS_SERVICES_STATE": str(state), "PFS_POSTGRES_PORT": port}

    def call(verb: str) -> str:
        return subprocess.check_output([str(script), verb], env=environment, text=True)

    def restart() -> None:
        pid = int((state / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGINT)  # a fast shutdown: connections are cut
        wait_for(lambda: not Path(f"/proc/{pid}").exists())
        time.sleep(3)
        call("up")

    url = call("up").partition("=")[2].strip()
    try:
        yield url, restart
    finally:
        call("down")
        shutil.rmtree(state, ignore_errors=True)

"""Airflow on the cluster: its home is the one that tests/conftest.py gives every run.

pods        a Pods: commits, and tasks that run as Airflow runs them, with the triggerer's part
station     a Station: one `airflow standalone` on MinIO, PostgreSQL and the cluster
"""

import json
import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pfs_provider.pfs import Pfs
from tests.cluster import USER_IMAGE, Cluster, build_image, pod_host
from tests.e2e.airflow.standalone import Standalone, wait_for
from tests.forwarder import Forwarder
from tests.services import REGION, StorePlace, need, postgres_database, s3_bucket, s3_options

pytest.importorskip("airflow.sdk", reason="the extra is not installed: pip install .[airflow]")

from tests.e2e.cluster.airflow.pods import Pods
from tests.e2e.cluster.airflow.station import Station

ROOT = Path(__file__).resolve().parents[4]
IMAGING = "pfs-test/imaging:1"


@pytest.fixture
def pods(
    cluster: Cluster,
    options: dict[str, Any],
    pfs: Pfs,
    pod_store: StorePlace,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Pods:
    extra = {
        "catalog": sqlite_url,
        "store": pod_store.url,
        "s3_access_key": pod_store.options["aws_access_key_id"],
        "s3_secret_key": pod_store.options["aws_secret_access_key"],
    }
    connection = {"conn_type": "pfs", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_PFS_DEFAULT", json.dumps(connection))
    return Pods(cluster=cluster, options=options, pfs=pfs)


@pytest.fixture(scope="session")
def imaging(cluster: Cluster) -> str:
    """An image with Python and Pillow; nothing of ours is in it."""
    return build_image(IMAGING, packages=["pillow"])


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """A short path: Airflow's sockets and logs lie below it."""
    made = Path(os.environ.get("TMPDIR", "/tmp")) / f"pfs-airflow-cluster-{os.getpid()}"
    made.mkdir()
    yield made
    if not os.environ.get("PFS_TEST_KEEP"):
        shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def store(cluster: Cluster) -> Iterator[StorePlace]:
    server = urlsplit(need("PFS_TEST_S3_ENDPOINT", "minio"))
    target = (server.hostname or "", server.port or 80)
    with s3_bucket() as bucket, Forwarder((pod_host(), 0), target) as door:
        host, port = door.address
        url = f"s3://{bucket}/pfs?endpoint=http://{host}:{port}&region={REGION}"
        yield StorePlace(url=url, options=s3_options())


@pytest.fixture(scope="session")
def station(
    cluster: Cluster, image: str, imaging: str, store: StorePlace, place: Path
) -> Iterator[Station]:
    dags = place / "dags"
    shutil.copytree(ROOT / "dags", dags)
    shutil.copytree(Path(__file__).parent / "dags", dags, dirs_exist_ok=True)
    airflow = Standalone(place / "airflow", dags=dags, pfs_home=place / "pfs")
    with postgres_database() as catalog, cluster.namespace() as namespace:
        airflow.environment.update(
            {
                "KUBECONFIG": str(cluster.kubeconfig),
                "PFS_CATALOG": catalog,
                "PFS_STORE": store.url,
                "PFS_K8S_NAMESPACE": namespace,
                "PFS_K8S_WORKER_IMAGE": image,
                "PFS_K8S_USER_IMAGE": USER_IMAGE,
                "PFS_DEMO_IMAGE": imaging,
                "PFS_DEMO_LAUNCHER": "kubernetes",
                # A killed worker is missed after 10 s instead of 5 minutes.
                "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "10",
                "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
                "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "2",
            }
            | {name.upper(): value for name, value in store.options.items()}
        )
        with Pfs(catalog=catalog, store=store.url, store_options=store.options) as pfs:
            pfs.create_repo("images")
            pfs.create_repo("many-in")
            pfs.put_file("many-in@master:/begin", b"x")
            try:
                airflow.start()
                for dag in ("many_deferred", "mounting", "pfs_kubernetes", "pfs_map_function"):
                    wait_for(f"{dag} is known", partial(airflow.find_dag, dag), timeout_s=120)
                yield Station(airflow=airflow, cluster=cluster, namespace=namespace, pfs=pfs)
            finally:
                airflow.stop()

"""A real controller of Argo Workflows, our templates in its namespace, a catalog and a store.

argo     an Argo (submit, wait, pods); skips by name without a controller
pfs      a Pfs on the catalog and the store that the workflows use
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pfs_provider.pfs import Pfs
from tests.argo import Argo, find_argo, open_argo
from tests.cluster import Cluster, find_cluster, pod_host, worker_image
from tests.forwarder import Forwarder
from tests.services import REGION, StorePlace, need, s3_options


@pytest.fixture(scope="session")
def watched() -> str:
    return find_argo()


@pytest.fixture(scope="session")
def cluster(watched: str) -> Cluster:
    return find_cluster()


@pytest.fixture
def namespace(cluster: Cluster, watched: str) -> Iterator[str]:
    if watched != "*":
        yield watched
        return
    with cluster.namespace() as name:
        yield name


@pytest.fixture
def pod_store(cluster: Cluster, minio_bucket: str, tmp_path: Path) -> Iterator[StorePlace]:
    with Door("PFS_TEST_S3_ENDPOINT", "minio", 80) as (host, port):
        url = f"s3://{minio_bucket}/{tmp_path.name}?endpoint=http://{host}:{port}&region={REGION}"
        yield StorePlace(url=url, options=s3_options())


@pytest.fixture
def pod_catalog(cluster: Cluster, postgres_url: str) -> Iterator[str]:
    with Door("PFS_TEST_POSTGRES", "postgres", 5432) as (host, port):
        parts = urlsplit(postgres_url)
        user = parts.netloc.rpartition("@")[0]
        yield parts._replace(netloc=f"{user}@{host}:{port}").geturl()


@pytest.fixture
def argo(
    cluster: Cluster, namespace: str, pod_store: StorePlace, pod_catalog: str
) -> Iterator[Argo]:
    image = worker_image()
    with open_argo(cluster, namespace, image=image, store=pod_store, catalog=pod_catalog) as opened:
        yield opened


@pytest.fixture
def pfs(pod_store: StorePlace, postgres_url: str) -> Iterator[Pfs]:
    with Pfs(catalog=postgres_url, store=pod_store.url, store_options=pod_store.options) as opened:
        yield opened


class Door(Forwarder):
    """A way for pods to a server that listens on this machine's loopback alone."""

    def __init__(self, variable: str, script: str, port: int) -> None:
        named = need(variable, script)
        server = urlsplit(named if "://" in named else f"//{named}")
        super().__init__((pod_host(), 0), (server.hostname or "", server.port or port))

    def __enter__(self) -> tuple[str, int]:  # type: ignore[override] # its address is all
        self.start()
        return self.address

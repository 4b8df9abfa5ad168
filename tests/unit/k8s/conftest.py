"""An API without controllers, a client of it, and a clock that only moves when it is told to."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.plan import plan_job
from pfs_provider.k8s.client import KubeClient, open_client
from pfs_provider.k8s.cluster import Cluster
from tests.kube_api import NAMESPACE, KubeApi, kube_api
from tests.pfs_world import PfsWorld, spec


@dataclass(slots=True)
class HandClock:
    time_s: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time_s, UTC)

    def monotonic(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time_s += seconds


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def api() -> Iterator[KubeApi]:
    with kube_api() as served:
        yield served


@pytest.fixture
def cluster(api: KubeApi, tmp_path: Path) -> Cluster:
    return Cluster(
        namespace=NAMESPACE,
        worker_image="pfs:1",
        user_image="busybox:1",
        kubeconfig=api.kubeconfig(tmp_path),
    )


@pytest.fixture
def client(cluster: Cluster, clock: HandClock) -> Iterator[KubeClient]:
    opened = open_client(cluster, clock)
    yield opened
    opened.close()


@pytest.fixture
def job(world: PfsWorld) -> JobRef:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    claimed = world.claim("up")
    plan_job(world.jobs, claimed)
    return claimed

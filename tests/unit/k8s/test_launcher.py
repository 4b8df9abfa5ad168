"""Launching: made, adopted, replaced or refused; against a real HTTP server."""

import base64
from typing import Any

import pytest

from pfs_provider.clock import RandomIds
from pfs_provider.errors import ConflictError, ErrorCode, RefusedError, UnavailableError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.k8s.client import KubeClient
from pfs_provider.k8s.cluster import Cluster
from pfs_provider.k8s.launcher import KubernetesLauncher, pod_store_url
from pfs_provider.k8s.names import job_name
from pfs_provider.spec.load import load_specs
from tests.kube_api import Fault, KubeApi
from tests.pfs_world import PfsWorld, spec
from tests.unit.k8s.conftest import HandClock

SPEC = load_specs(spec("up", transform={"secrets": [{"name": "db", "env_var": "A", "key": "k"}]}))[
    0
].spec


@pytest.fixture
def launcher(
    cluster: Cluster, client: KubeClient, clock: HandClock, world: PfsWorld
) -> KubernetesLauncher:
    return KubernetesLauncher(
        cluster=cluster,
        client=client,
        store=world.storage.store,
        store_url="s3://bucket/x",
        credentials={"AWS_SECRET_ACCESS_KEY": "geheim"},
        lease_s=20.0,
        clock=clock,
        ids=RandomIds(),
    )


def _secret_of(job: dict[str, Any]) -> str:
    (storage,) = job["spec"]["template"]["spec"]["containers"]
    return str(storage["envFrom"][0]["secretRef"]["name"])


def test_a_job_is_made_with_its_secret(
    launcher: KubernetesLauncher, api: KubeApi, job: JobRef
) -> None:
    workers = launcher.launch(job, SPEC, 2)

    made, secret = api.only("jobs"), api.only("secrets")
    assert (workers.name, workers.namespace) == (job_name(job), "work")
    assert workers.uid == made["metadata"]["uid"]
    assert _secret_of(made) == secret["metadata"]["name"]
    assert secret["metadata"]["ownerReferences"][0]["uid"] == workers.uid
    assert base64.b64decode(secret["data"]["AWS_SECRET_ACCESS_KEY"]) == b"geheim"
    assert "geheim" not in repr(launcher)


def test_launching_again_adopts_the_job_and_gives_it_the_secret_that_it_lacks(
    launcher: KubernetesLauncher, api: KubeApi, job: JobRef
) -> None:
    first = launcher.launch(job, SPEC, 2)
    del api.objects["secrets", api.only("secrets")["metadata"]["name"]]

    second = launcher.launch(job, SPEC, 2)

    assert second.uid == first.uid
    assert _secret_of(api.only("jobs")) == api.only("secrets")["metadata"]["name"]


@pytest.mark.parametrize("condition", ["Complete", "Failed"])
def test_a_job_that_has_ended_is_replaced(
    launcher: KubernetesLauncher, api: KubeApi, job: JobRef, condition: str
) -> None:
    first = launcher.launch(job, SPEC, 2)
    api.only("jobs")["status"] = {"conditions": [{"type": condition, "status": "True"}]}

    second = launcher.launch(job, SPEC, 2)

    assert second.uid != first.uid
    assert second.uid == api.only("jobs")["metadata"]["uid"]


def test_a_job_that_does_not_go_away_is_told_after_a_while(
    launcher: KubernetesLauncher, api: KubeApi, job: JobRef
) -> None:
    launcher.launch(job, SPEC, 2)
    api.only("jobs")["metadata"]["deletionTimestamp"] = "2026-11-21T12:00:00Z"

    with pytest.raises(UnavailableError, match="does not go away"):
        launcher.launch(job, SPEC, 2)


def test_a_job_of_somebody_else_is_left_alone(
    launcher: KubernetesLauncher, api: KubeApi, job: JobRef
) -> None:
    api.objects["jobs", job_name(job)] = {"metadata": {"name": job_name(job), "uid": "u"}}

    with pytest.raises(ConflictError) as raised:
        launcher.launch(job, SPEC, 2)

    assert raised.value.code == ErrorCode.CLUSTER_OBJECT_EXISTS


def test_rights_are_looked_at_before_anything_is_made(
    launcher: KubernetesLauncher, api: KubeApi, job: JobRef
) -> None:
    api.rules = [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "get"]}]

    with pytest.raises(UnavailableError, match="patch jobs, delete jobs, list pods") as raised:
        launcher.launch(job, SPEC, 2)

    assert raised.value.code == ErrorCode.CLUSTER_FORBIDDEN
    assert not api.objects


def test_a_cluster_where_rights_cannot_be_asked_for_is_tried(
    launcher: KubernetesLauncher, api: KubeApi, job: JobRef
) -> None:
    api.faults = [
        Fault(403, 'User "u" cannot create resource "selfsubjectrulesreviews"', of="rulesreviews")
    ]

    assert launcher.launch(job, SPEC, 2).uid == api.only("jobs")["metadata"]["uid"]

    api.faults = [Fault(500, "broken", of="rulesreviews")] * 3
    with pytest.raises(UnavailableError, match="broken"):
        launcher.launch(job, SPEC, 2)


def test_a_launch_whose_secret_is_refused_leaves_nothing(
    launcher: KubernetesLauncher, api: KubeApi, job: JobRef
) -> None:
    api.faults = [Fault(422, "data: too large", of="/secrets")]

    with pytest.raises(RefusedError, match="too large"):
        launcher.launch(job, SPEC, 2)

    assert not api.objects


def test_a_manifest_that_the_cluster_refuses_is_told_with_its_field(
    launcher: KubernetesLauncher, api: KubeApi, job: JobRef
) -> None:
    api.faults = [Fault(422, "spec.template.spec.nodeSelector: Invalid value", of="/jobs")]

    with pytest.raises(RefusedError, match="nodeSelector"):
        launcher.launch(job, SPEC, 2)

    assert not api.objects


def test_a_handle_stops_what_another_process_launched(
    launcher: KubernetesLauncher, api: KubeApi, job: JobRef
) -> None:
    launcher.launch(job, SPEC, 2)

    handle = launcher.attach(job)
    assert handle.name == job_name(job)
    handle.stop()

    assert ("jobs", job_name(job)) not in api.objects


def test_what_workers_on_kubernetes_cannot_give_is_named(launcher: KubernetesLauncher) -> None:
    wanted = load_specs(spec("up", s3_out=True))[0].spec

    assert launcher.place == "workers on Kubernetes"
    assert launcher.find_unsupported(SPEC) == ()
    assert launcher.find_unsupported(wanted) == ("s3_out",)


@pytest.mark.parametrize(
    ("own", "given", "url"),
    [
        ("s3://b/x", None, "s3://b/x"),
        ("s3://b/x?endpoint=http://127.0.0.1:9000", "s3://b/x?endpoint=http://minio:9000",
         "s3://b/x?endpoint=http://minio:9000"),
        ("file:///home/store", "file:///mnt/shared", "file:///mnt/shared"),
    ],
)  # fmt: skip
def test_pods_take_the_store_as_they_reach_it(own: str, given: str | None, url: str) -> None:
    assert pod_store_url(Cluster(worker_image="x", store_url=given), own) == url


@pytest.mark.parametrize(
    "url",
    ["file:///srv/store", "/srv/store", "memory://", "s3://b/x?endpoint=http://localhost:9000"],
)
def test_a_store_that_pods_cannot_reach_is_refused(url: str) -> None:
    with pytest.raises(RefusedError, match="PFS_K8S_STORE_URL"):
        pod_store_url(Cluster(worker_image="x"), url)

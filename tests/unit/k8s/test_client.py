"""The client against a real HTTP server: what is repeated, and what each answer becomes."""

import socket
from pathlib import Path

import pytest

from pfs_provider.errors import (
    ConflictError,
    ErrorCode,
    NotFoundError,
    PfsError,
    RefusedError,
    UnavailableError,
)
from pfs_provider.k8s.client import ATTEMPTS, JOBS, PODS, KubeClient, open_client
from pfs_provider.k8s.cluster import Cluster
from tests.kube_api import NAMESPACE, Fault, KubeApi
from tests.unit.k8s.conftest import HandClock

JOB = {"metadata": {"name": "j"}, "spec": {"parallelism": 4}}


def test_objects_are_made_found_changed_and_deleted(client: KubeClient, api: KubeApi) -> None:
    made = client.create(JOBS, JOB)

    assert client.find(JOBS, "other") is None
    assert client.get(JOBS, "j") == made
    assert client.patch(JOBS, "j", {"spec": {"parallelism": 9}})["spec"] == {"parallelism": 9}
    assert [found["metadata"]["uid"] for found in client.list_objects(JOBS)] == [
        made["metadata"]["uid"]
    ]
    client.delete(JOBS, "j", uid="of another one")
    assert client.find(JOBS, "j") is not None
    client.delete(JOBS, "j", uid=made["metadata"]["uid"])
    client.delete(JOBS, "j")
    assert client.list_objects(JOBS, labels="a=b") == []
    assert api.requests[0] == f"POST /apis/batch/v1/namespaces/{NAMESPACE}/jobs"


def test_an_object_that_exists_is_a_conflict(client: KubeClient) -> None:
    client.create(JOBS, JOB)

    with pytest.raises(ConflictError, match="already exists"):
        client.create(JOBS, JOB)


def test_a_busy_server_is_asked_again_when_it_says_so(
    client: KubeClient, api: KubeApi, clock: HandClock
) -> None:
    api.faults = [Fault(429, "slow down", retry_after="3"), Fault(503, "not yet")]

    assert client.list_objects(PODS) == []
    assert clock.slept == [3.0, 5.0]  # twice the last pause would be 6, and 5 is the most


@pytest.mark.parametrize(
    ("fault", "kind", "code", "named"),
    [
        (Fault(500, "etcd is gone"), UnavailableError, ErrorCode.CLUSTER_UNAVAILABLE, "etcd"),
        (Fault(401, "Unauthorized"), UnavailableError, ErrorCode.CLUSTER_FORBIDDEN, "kubeconfig"),
        (Fault(403, 'jobs.batch is forbidden: User "x" cannot create resource "jobs"'),
         UnavailableError, ErrorCode.CLUSTER_FORBIDDEN, "create jobs"),
        (Fault(403, "because it is being terminated"), UnavailableError,
         ErrorCode.CLUSTER_FORBIDDEN, "being terminated"),
        (Fault(422, "spec.template.spec.containers[0].image: Required value"), RefusedError,
         ErrorCode.CLUSTER_REFUSED, "Required value"),
        (Fault(404, f'namespaces "{NAMESPACE}" not found'), NotFoundError,
         ErrorCode.NAMESPACE_NOT_FOUND, "k8s_namespace"),
    ],
    ids=["broken", "unknown user", "right", "admission", "invalid", "namespace"],
)  # fmt: skip
def test_every_answer_is_an_error_with_a_way_out(
    client: KubeClient,
    api: KubeApi,
    fault: Fault,
    kind: type[PfsError],
    code: ErrorCode,
    named: str,
) -> None:
    api.faults = [fault] * ATTEMPTS

    with pytest.raises(kind, match=named) as raised:
        client.create(JOBS, JOB)

    assert raised.value.code == code


def test_a_namespace_that_is_missing_is_no_missing_object(cluster: Cluster) -> None:
    client = open_client(
        Cluster(worker_image="x", namespace="nowhere", kubeconfig=cluster.kubeconfig), HandClock()
    )

    with pytest.raises(NotFoundError, match="'nowhere'"):
        client.find(JOBS, "j")

    client.close()


def test_a_cluster_that_does_not_answer_is_named(tmp_path: Path, clock: HandClock) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    away = Cluster(worker_image="x", kubeconfig=KubeApi(url).kubeconfig(tmp_path))
    client = open_client(away, clock)

    with pytest.raises(UnavailableError, match=f"{url} does not answer: .*refused"):
        client.list_objects(PODS)

    assert len(clock.slept) == ATTEMPTS - 1
    client.close()


@pytest.mark.parametrize(
    ("text", "context", "named"),
    [
        (None, None, "no-such-file"),
        ("", None, "no-such-file"),
        ("{", None, "no-such-file"),
        ("apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\n", "prod", "prod"),
    ],
    ids=["missing", "empty", "no YAML", "no such context"],
)
def test_a_kubeconfig_that_is_no_use_is_named(
    tmp_path: Path, text: str | None, context: str | None, named: str
) -> None:
    path = tmp_path / "no-such-file"
    if text is not None:
        path.write_text(text)
    cluster = Cluster(worker_image="x", kubeconfig=str(path), context=context)

    with pytest.raises(RefusedError, match=named) as raised:
        open_client(cluster, HandClock())

    assert raised.value.code == ErrorCode.SETTINGS_ILLEGAL
    assert "k8s_kubeconfig" in str(raised.value)


def test_without_a_kubeconfig_or_a_pod_there_is_no_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none")
    )
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    with pytest.raises(RefusedError, match="this is no pod"):
        open_client(Cluster(worker_image="x"), HandClock())


def test_the_rights_of_this_account_are_listed(client: KubeClient) -> None:
    assert client.list_rules()["resourceRules"][0]["verbs"] == ["*"]

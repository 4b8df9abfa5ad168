"""The pod of one worker: who sees what, and what a patch may do."""

import json
from typing import Any

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.jobs.keys import parse_job_ref
from pfs_provider.k8s.cluster import Cluster
from pfs_provider.k8s.pods import StoreAccess, render_pod
from pfs_provider.spec.load import load_specs
from tests.pfs_world import spec

JOB = parse_job_ref("up@0123456789abcdef0123456789abcdef")
ACCESS = StoreAccess(url="s3://bucket/x", secret="store-keys", lease_s=20.0)


def _pod(cluster: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    made = Cluster(**{"worker_image": "pfs:1", "user_image": "busybox:1", **(cluster or {})})
    return render_pod(made, JOB, load_specs(spec("up", **more))[0].spec, 3, ACCESS)


def _container(pod: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (part for part in pod["initContainers"] + pod["containers"] if part["name"] == name)
    assert isinstance(found, dict)
    return found


def test_the_worker_is_the_main_container_and_user_code_a_sidecar_of_its_own_image() -> None:
    pod = _pod(transform={"image": "edges:7"})

    assert [part["name"] for part in pod["initContainers"]] == ["install", "user"]
    assert [part["name"] for part in pod["containers"]] == ["storage"]
    assert _container(pod, "user")["restartPolicy"] == "Always"
    assert _container(pod, "user")["image"] == "edges:7"
    assert _container(_pod(), "user")["image"] == "busybox:1"


def test_credentials_and_tokens_are_kept_from_user_code() -> None:
    pod = _pod()

    assert "store-keys" in json.dumps(_container(pod, "storage"))
    assert "store-keys" not in json.dumps([_container(pod, "user"), _container(pod, "install")])
    assert "s3://" not in json.dumps(_container(pod, "user"))
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False


def test_secrets_of_a_spec_reach_user_code_alone() -> None:
    pod = _pod(transform={"secrets": [
        {"name": "db", "key": "password", "env_var": "PASSWORD"},
        {"name": "cert", "mount_path": "/cert"},
        {"name": "one", "key": "k", "mount_path": "/one"},
    ]})  # fmt: skip

    user = _container(pod, "user")
    assert user["env"] == [
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}
    ]
    assert [(part["name"], part["mountPath"]) for part in user["volumeMounts"][-2:]] == [
        ("secret-1", "/cert"), ("secret-2", "/one")
    ]  # fmt: skip
    assert pod["volumes"][-2:] == [
        {"name": "secret-1", "secret": {"secretName": "cert"}},
        {"name": "secret-2", "secret": {"secretName": "one", "items": [{"key": "k", "path": "k"}]}},
    ]
    assert "secret-1" not in json.dumps(_container(pod, "storage"))


def test_where_pods_run_is_the_specs_to_say() -> None:
    pod = _pod(
        {"service_account": "runner"},
        scheduling_spec={"node_selector": {"disk": "ssd"}, "priority_class_name": "low"},
        tolerations=[{"key": "gpu", "operator": "Exists", "toleration_seconds": 0}],
        transform={"image_pull_secrets": ["registry"], "memory_volume": True, "user": "1000"},
        resource_limits={"memory": "64Mi"},
        sidecar_resource_requests={"cpu": "0.1"},
    )

    assert pod["serviceAccountName"] == "runner"
    assert pod["nodeSelector"] == {"disk": "ssd"}
    assert pod["priorityClassName"] == "low"
    assert pod["tolerations"] == [{"key": "gpu", "operator": "Exists", "tolerationSeconds": 0}]
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert pod["volumes"][0] == {"name": "pfs", "emptyDir": {"medium": "Memory"}}
    assert "--serial" in _container(pod, "storage")["args"]  # memory for one datum, not for two
    assert _container(pod, "user")["securityContext"]["runAsUser"] == 1000
    assert _container(pod, "user")["resources"] == {"limits": {"memory": "64Mi"}}
    assert _container(pod, "storage")["resources"] == {"requests": {"cpu": "0.1"}}
    arguments = _container(pod, "storage")["args"]
    assert arguments[arguments.index("--memory-limit") + 1] == "64Mi"


def test_our_containers_have_no_rights_and_restricted_user_code_has_none_either() -> None:
    pod, restricted = _pod(), _pod({"security": "restricted"})

    for name in ("install", "storage"):
        security = _container(pod, name)["securityContext"]
        assert security["runAsNonRoot"]
        assert security["readOnlyRootFilesystem"]
        assert security["capabilities"] == {"drop": ["ALL"]}
    assert "runAsNonRoot" not in _container(pod, "user")["securityContext"]
    security = _container(restricted, "user")["securityContext"]
    assert security["runAsNonRoot"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert {"name": "user-tmp", "mountPath": "/tmp"} in (
        _container(restricted, "user")["volumeMounts"]
    )


def test_patches_see_user_code_as_the_first_container_as_pachyderms_do() -> None:
    pod = _pod(
        {"pod_patch": '{"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["store"]}]}'},
        pod_spec='{"dnsPolicy": "Default"}',
        pod_patch=json.dumps([
            {"op": "add", "path": "/containers/0/env", "value": [{"name": "A", "value": "1"}]},
            {"op": "add", "path": "/containers/-", "value": {"name": "proxy", "image": "p:1"}},
            {"op": "add", "path": "/affinity", "value": {"nodeAffinity": {}}},
        ]),
    )  # fmt: skip

    assert _container(pod, "user")["env"] == [{"name": "A", "value": "1"}]
    assert [part["name"] for part in pod["initContainers"]] == ["install", "proxy", "user"]
    assert _container(pod, "proxy")["restartPolicy"] == "Always"
    assert pod["dnsPolicy"] == "Default"
    assert pod["affinity"] == {"nodeAffinity": {}}
    assert pod["hostAliases"]


@pytest.mark.parametrize(
    ("patch", "named"),
    [
        ([{"op": "add", "path": "/hostPID", "value": True}], "hostPID: user code could look"),
        ([{"op": "add", "path": "/shareProcessNamespace", "value": True}], "shareProcessNamespace"),
        ([{"op": "add", "path": "/hostIPC", "value": True}], "hostIPC"),
        ([{"op": "replace", "path": "/automountServiceAccountToken", "value": True}],
         "projected serviceAccountToken"),
        ([{"op": "replace", "path": "/restartPolicy", "value": "OnFailure"}], "restartPolicy"),
        ([{"op": "remove", "path": "/containers/1"}], "'storage' has to stay"),
        ([{"op": "remove", "path": "/containers/0"}], "'user' has to stay"),
        ([{"op": "remove", "path": "/initContainers/0"}], "'install' has to stay"),
        ([{"op": "replace", "path": "", "value": 1}], "takes the whole pod away"),
        ([{"op": "add", "path": "/containers/0/envFrom",
           "value": [{"secretRef": {"name": "store-keys"}}]}], "the worker's alone"),
        ([{"op": "add", "path": "/containers/0/env", "value": [
            {"name": "K", "valueFrom": {"secretKeyRef": {"name": "store-keys", "key": "k"}}}]}],
         "the worker's alone"),
        ([{"op": "add", "path": "/volumes/-",
           "value": {"name": "k", "secret": {"secretName": "store-keys"}}},
          {"op": "add", "path": "/containers/0/volumeMounts/-",
           "value": {"name": "k", "mountPath": "/k"}}], "the worker's alone"),
    ],
    ids=["hostPID", "shareProcessNamespace", "hostIPC", "token", "restart", "no storage",
         "no user", "no install", "nothing", "envFrom", "env", "volume"],
)  # fmt: skip
def test_a_patch_that_would_open_the_pod_is_refused(
    patch: list[dict[str, Any]], named: str
) -> None:
    with pytest.raises(RefusedError, match=named) as raised:
        _pod(pod_patch=json.dumps(patch))

    assert raised.value.code == ErrorCode.SPEC_ILLEGAL


@pytest.mark.parametrize(
    ("cluster", "transform", "named"),
    [
        ({"user_image": None}, {}, "transform.image: it is missing"),
        ({}, {"user": "pachyderm"}, "transform.user: 'pachyderm' is a name"),
        ({"pod_patch": "["}, {}, "k8s_pod_patch: it is not JSON"),
    ],
    ids=["no image", "user's name", "settings' patch"],
)
def test_what_kubernetes_cannot_carry_out_is_named(
    cluster: dict[str, Any], transform: dict[str, Any], named: str
) -> None:
    with pytest.raises(RefusedError, match=named):
        _pod(cluster, transform=transform)

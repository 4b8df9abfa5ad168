import json
from typing import Any

import pytest

from pfs_provider.airflow.pod_templates import find_pod_spec, spec_of_pod
from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.k8s.patches import apply_patch
from pfs_provider.spec.load import load_specs


def _pod(**container: Any) -> dict[str, Any]:
    return {"containers": [{"name": "base", "image": "x:1", "command": ["run"]} | container]}


def test_a_pod_a_template_and_a_bare_spec_are_taken() -> None:
    for template in (_pod(), {"spec": _pod()}, {"kind": "Pod", "metadata": {}, "spec": _pod()}):
        assert find_pod_spec(template) == _pod()
    with pytest.raises(RefusedError, match=r"pod_template\.containers"):
        find_pod_spec({"kind": "Pod"})


def test_the_container_becomes_the_user_code() -> None:
    pod = _pod(
        args=["--fast"],
        workingDir="/app",
        env=[{"name": "A", "value": "b"}],
        resources={
            "requests": {"cpu": "500m"},
            "limits": {"memory": "1Gi", "ephemeral-storage": "2Gi", "nvidia.com/gpu": 1},
        },
    )

    assert spec_of_pod(pod) == {
        "transform": {
            "image": "x:1", "cmd": ["run", "--fast"], "working_dir": "/app", "env": {"A": "b"}
        },
        "resource_requests": {"cpu": "500m"},
        "resource_limits": {
            "memory": "1Gi", "disk": "2Gi", "gpu": {"type": "nvidia.com/gpu", "number": 1}
        },
    }  # fmt: skip
    assert spec_of_pod(pod, cmd=["other"])["transform"]["cmd"] == ["other"]


def test_what_a_spec_has_no_field_for_becomes_a_patch_of_the_workers_pod() -> None:
    secret = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    pod = _pod(
        env=[secret],
        volumeMounts=[{"name": "models", "mountPath": "/models"}],
        securityContext={"runAsUser": 1000},
    ) | {
        "nodeSelector": {"disk": "ssd"},
        "restartPolicy": "Never",
        "volumes": [{"name": "models", "persistentVolumeClaim": {"claimName": "models"}}],
    }
    worker = {
        "containers": [{"volumeMounts": [{"name": "pfs"}], "securityContext": {"a": 1}}],
        "volumes": [{"name": "pfs"}],
    }

    patched = apply_patch(worker, spec_of_pod(pod)["pod_patch"], field="pod_patch")

    assert patched == {
        "nodeSelector": {"disk": "ssd"},
        "containers": [
            {
                "env": [secret],
                "volumeMounts": [{"name": "pfs"}, {"name": "models", "mountPath": "/models"}],
                "securityContext": {"a": 1, "runAsUser": 1000},
            }
        ],
        "volumes": [{"name": "pfs"}, *pod["volumes"]],
    }
    spec = spec_of_pod(pod) | {"pipeline": {"name": "p"}, "input": {"pfs": {
        "repo": "r", "glob": "/*"
    }}}  # fmt: skip
    assert load_specs(spec)[0].spec.pod_patch


@pytest.mark.parametrize(
    ("pod", "field"),
    [
        (_pod() | {"initContainers": [{"name": "i"}]}, "initContainers"),
        (_pod() | {"securityContext": {"fsGroup": 1}}, "securityContext"),
        ({"containers": [{"name": "a"}, {"name": "b"}]}, "containers"),
        (_pod(livenessProbe={"exec": {}}), "containers[base].livenessProbe"),
        (_pod(command=[]), "containers.command"),
        (_pod(resources={"limits": {"a/gpu": 1, "b/gpu": 1}}), "resources"),
    ],
)
def test_what_cannot_be_carried_over_is_refused_by_name(pod: dict[str, Any], field: str) -> None:
    with pytest.raises(RefusedError) as caught:
        spec_of_pod(pod)

    assert caught.value.code == ErrorCode.SPEC_ILLEGAL
    assert caught.value.fields["field"] == f"pod_template.{field}"
    json.dumps(pod)

"""Workers that can never start: the workflow fails soon, and says what is missing."""

import json
import time
from typing import Any

import pytest

from pfs_provider.pfs import Pfs
from tests.argo import Argo
from tests.e2e.argo.test_pipeline import EDGES, put_images

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.minio,
    pytest.mark.postgres,
    pytest.mark.timeout(3600),
]

NO_SECRET = [{"name": "nowhere", "key": "token", "env_var": "TOKEN"}]
NO_KEY = [{"name": "half", "key": "token", "env_var": "TOKEN"}]
NO_FILE = [{"name": "nowhere", "mount_path": "/secret"}]
CLAIM = {"name": "more", "persistentVolumeClaim": {"claimName": "nowhere"}}
NO_CLAIM = json.dumps(
    [
        {"op": "add", "path": "/volumes/-", "value": CLAIM},
        {
            "op": "add",
            "path": "/containers/0/volumeMounts/-",
            "value": {"name": "more", "mountPath": "/more"},
        },
    ]
)
SOON_S = 300
"""Far less than the 15 minutes after which a pod is given up that somebody may still help."""


@pytest.mark.parametrize("max_pods", ["200", "0"], ids=["pods", "an Indexed Job"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"transform": {"secrets": NO_SECRET}}, ('secret "nowhere" not found', "token")),
        ({"transform": {"secrets": NO_KEY}}, ("couldn't find key token in Secret", "half")),
        ({"transform": {"secrets": NO_FILE}}, ('secret "nowhere" not found',)),
        ({"pod_patch": NO_CLAIM}, ('persistentvolumeclaim "nowhere" not found',)),
        ({"transform": {"image": "A B:::"}}, ("InvalidImageName", "A B")),
    ],
    ids=["no secret", "no key", "no file", "no claim", "no image's name"],
)
def test_workers_that_cannot_start_fail_the_job_soon_with_one_message(
    argo: Argo, pfs: Pfs, change: dict[str, Any], said: tuple[str, ...], max_pods: str
) -> None:
    argo.cluster.kubectl(
        "create", "secret", "generic", "half", "-n", argo.namespace, "--from-literal=user=me"
    )
    pfs.create_repo("images")
    transform = {**EDGES["transform"], **change.get("transform", {})}
    pfs.create_pipeline({**EDGES, **change, "transform": transform})
    id_ = put_images(pfs, "a", "b")

    argo.submit("stuck", "pfs-pipeline", pipeline="edges", job=id_, max_pods=max_pods)
    argo.wait_for_node("stuck", "keep", "Running")
    began = time.monotonic()
    status = argo.wait("stuck")

    assert time.monotonic() - began < SOON_S
    assert status["phase"] == "Failed", argo.tell(status)
    told = {node["displayName"]: node.get("message", "") for node in status["nodes"].values()}
    assert all(text in told["finish(0)"] for text in said), argo.tell(status)
    job = pfs.inspect_job(f"edges@{id_}")
    assert job.state == "failure"
    assert all(text in job.reason for text in said)
    assert pfs.inspect_commit(f"edges@{id_}").state == "error"
    argo.wait_for_no_pod(timeout_s=120)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("PFS_K8S_IMAGE_PULL_POLICY=Never", "ErrImageNeverPull"),
        ("PFS_K8S_START_TIMEOUT_S=15", "cannot be pulled"),
    ],
    ids=["no node has it", "no registry answers"],
)
def test_an_image_that_nobody_has_fails_the_job_soon(
    argo: Argo, pfs: Pfs, setting: str, said: str
) -> None:
    create = ("create", "configmap", "pfs-settings", "-n", argo.namespace)
    argo.cluster.kubectl(*create, f"--from-literal={setting}")
    pfs.create_repo("images")
    transform = {**EDGES["transform"], "image": "registry.invalid/nothing:9"}
    pfs.create_pipeline({**EDGES, "transform": transform})
    change = put_images(pfs, "a", "b")

    argo.submit("stuck", "pfs-pipeline", pipeline="edges", job=change)
    argo.wait_for_node("stuck", "keep", "Running")
    began = time.monotonic()
    status = argo.wait("stuck")

    assert time.monotonic() - began < SOON_S
    assert status["phase"] == "Failed", argo.tell(status)
    reason = pfs.inspect_job(f"edges@{change}").reason
    assert said in reason
    assert "registry.invalid/nothing:9" in reason
    argo.wait_for_no_pod(timeout_s=120)


def test_without_the_right_to_see_pods_a_workflow_runs_and_says_what_it_lacks(
    argo: Argo, pfs: Pfs
) -> None:
    (role,) = (
        role
        for role in argo.cluster.get("roles", argo.namespace)
        if role["metadata"]["name"] == "pfs-workflow"
    )
    rules = [rule for rule in role["rules"] if "" not in rule["apiGroups"]]
    assert len(rules) < len(role["rules"])
    patch = json.dumps({"rules": rules})
    argo.cluster.kubectl(
        "patch", "role", "pfs-workflow", "-n", argo.namespace, "--type=merge", "-p", patch
    )
    pfs.create_repo("images")
    slow = {**EDGES["transform"], "stdin": ["sleep 20", *EDGES["transform"]["stdin"]]}
    pfs.create_pipeline({**EDGES, "transform": slow})
    change = put_images(pfs, "a")

    argo.submit("blind", "pfs-pipeline", pipeline="edges", job=change)
    argo.wait_for_node("blind", "keep", "Running")
    argo.wait_for_log("pfs.step=keep", "does not allow this account to list pods")
    status = argo.wait("blind")

    assert status["phase"] == "Succeeded", argo.tell(status)
    assert pfs.inspect_job(f"edges@{change}").state == "success"

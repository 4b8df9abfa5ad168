"""What keeps pods from working: told in the job within 15 s, ended in time, and no pod left.

Every test's job fails after ``start_timeout_s`` of 8 s, or at once where waiting is of no use.
"""

import json
import socket
import time
from typing import Any

import pytest

from pfs_provider.errors import ErrorCode, NotFoundError, PfsError
from pfs_provider.infos import JobInfo
from pfs_provider.pfs import Pfs
from tests.cluster import Cluster, pod_host
from tests.cluster_jobs import (
    WAIT_S,
    check_nothing_left,
    check_outcome,
    copy_spec,
    pods,
    put_numbers,
    running,
    wait_for,
)

pytestmark = [pytest.mark.cluster, pytest.mark.minio, pytest.mark.timeout(900)]

TOLD_S = 15
"""Seconds within which a job tells what hinders its pods."""


def _told(pfs: Pfs) -> str:
    found = pfs.list_jobs("up")
    return found[0].reason if found else ""


def _run(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any], spec: dict[str, Any], **more: Any
) -> tuple[str, JobInfo]:
    """Run a job of one file; return the first reason it told while it ran, and the job."""
    put_numbers(pfs, 1)
    pfs.create_pipeline(spec)
    with running(pfs, {**options, "start_timeout_s": 8, **more}) as run:
        told = str(wait_for(lambda: _told(pfs), within_s=TOLD_S))
        (job,) = run.result(WAIT_S)
    check_nothing_left(cluster, options["namespace"])
    assert cluster.get("jobs", options["namespace"]) == []
    return told, job


def test_an_image_that_is_missing(cluster: Cluster, pfs: Pfs, options: dict[str, Any]) -> None:
    spec = copy_spec(transform={"image": "registry.invalid/nothing:1"})

    told, job = _run(cluster, pfs, options, spec)

    assert "registry.invalid/nothing:1" in told  # the kubelet's event, or what the pod says later
    assert job.state == "failure"
    assert "no worker gave a sign of life for 8 s" in job.reason
    assert "registry.invalid/nothing:1" in job.reason


def test_an_image_whose_name_is_no_name(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any]
) -> None:
    begun = time.monotonic()

    _, job = _run(cluster, pfs, options, copy_spec(transform={"image": "No Image"}),
                  start_timeout_s=60)  # fmt: skip

    assert job.reason.startswith("InvalidImageName: image 'No Image'")
    assert time.monotonic() - begun < 30


def test_an_image_that_must_not_be_pulled_and_is_not_there(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any]
) -> None:
    _, job = _run(cluster, pfs, options, copy_spec(transform={"image": "nothing:1"}),
                  image_pull_policy="Never", start_timeout_s=60)  # fmt: skip

    assert job.reason.startswith("ErrImageNeverPull: image 'nothing:1'")


def test_a_command_that_the_image_does_not_have(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any]
) -> None:
    put_numbers(pfs, 1)
    pfs.create_pipeline(copy_spec(transform={"cmd": ["no-such-program"]}))

    (job,) = pfs.run(launcher="kubernetes", cluster=options)

    assert job.state == "failure"
    assert "no-such-program" in job.reason
    check_nothing_left(cluster, options["namespace"])


def test_a_secret_that_is_missing(cluster: Cluster, pfs: Pfs, options: dict[str, Any]) -> None:
    spec = copy_spec(transform={"secrets": [{"name": "no", "key": "k", "env_var": "K"}]})

    told, job = _run(cluster, pfs, options, spec)

    # The kubelet's event, or what the pod says a moment later.
    assert told.endswith(': container user: secret "no" not found')
    assert job.state == "failure"


def test_a_secret_to_be_mounted_that_is_missing(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any]
) -> None:
    spec = copy_spec(transform={"secrets": [{"name": "no", "mount_path": "/no"}]})

    told, job = _run(cluster, pfs, options, spec)

    assert told.startswith("FailedMount: ")
    assert 'secret "no" not found' in told
    assert job.state == "failure"


def test_a_pod_that_fits_nowhere(cluster: Cluster, pfs: Pfs, options: dict[str, Any]) -> None:
    spec = copy_spec(resource_requests={"cpu": "1000"})

    told, job = _run(cluster, pfs, options, spec)

    assert told.startswith("Unschedulable: 0/")
    assert "Insufficient cpu" in job.reason


def test_a_quota_that_leaves_no_room(cluster: Cluster, pfs: Pfs, options: dict[str, Any]) -> None:
    cluster.kubectl("create", "quota", "none", "--hard=pods=0", "-n", options["namespace"])

    told, job = _run(cluster, pfs, options, copy_spec())

    assert told.startswith("FailedCreate: forbidden: exceeded quota: none")
    assert "exceeded quota" in job.reason


def test_a_quota_that_leaves_some_room_is_told_and_no_hindrance(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any]
) -> None:
    cluster.kubectl("create", "quota", "one", "--hard=pods=1", "-n", options["namespace"])
    put_numbers(pfs, 6)
    pfs.create_pipeline(copy_spec("sleep 1", workers=3))

    with running(pfs, options) as run:
        told = wait_for(lambda: _told(pfs), within_s=TOLD_S)
        (job,) = run.result(WAIT_S)

    assert "exceeded quota: one" in told
    check_outcome(pfs, cluster, options["namespace"], job, 6)


def test_a_hindrance_that_passes_is_no_longer_told(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any]
) -> None:
    put_numbers(pfs, 4)
    secret = {"name": "late", "key": "k", "env_var": "K"}
    pfs.create_pipeline(copy_spec("sleep 3", transform={"secrets": [secret]}))

    with running(pfs, options) as run:
        wait_for(lambda: 'secret "late" not found' in _told(pfs), within_s=TOLD_S)
        cluster.kubectl("create", "secret", "generic", "late", "--from-literal=k=v",
                        "-n", options["namespace"])  # fmt: skip
        wait_for(lambda: not _told(pfs))  # the kubelet tries again after a while
        assert not run.done()
        (job,) = run.result(WAIT_S)

    check_outcome(pfs, cluster, options["namespace"], job, 4)


def test_an_unknown_namespace(cluster: Cluster, pfs: Pfs, options: dict[str, Any]) -> None:
    put_numbers(pfs, 1)
    pfs.create_pipeline(copy_spec())

    with pytest.raises(NotFoundError, match="no namespace 'pfs-nowhere'") as raised:
        pfs.run(launcher="kubernetes", cluster=options | {"namespace": "pfs-nowhere"})

    assert raised.value.code == ErrorCode.NAMESPACE_NOT_FOUND
    job = pfs.list_jobs("up")[0]
    assert (job.state, job.reason) == ("starting", str(raised.value))
    (job,) = pfs.run(launcher="kubernetes", cluster=options)
    check_outcome(pfs, cluster, options["namespace"], job, 1)


def test_an_unknown_service_account(cluster: Cluster, pfs: Pfs, options: dict[str, Any]) -> None:
    told, job = _run(cluster, pfs, options, copy_spec(), service_account="nobody",
                     start_timeout_s=60)  # fmt: skip

    assert 'serviceaccount "nobody" not found' in told
    assert 'serviceaccount "nobody" not found' in job.reason


def test_a_namespace_that_forbids_such_pods(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any]
) -> None:
    cluster.kubectl("label", "namespace", options["namespace"],
                    "pod-security.kubernetes.io/enforce=restricted")  # fmt: skip

    told, job = _run(cluster, pfs, options, copy_spec(), start_timeout_s=60)

    assert "violates PodSecurity" in told
    assert "violates PodSecurity" in job.reason


def test_a_pod_patch_that_the_api_server_finds_invalid(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any]
) -> None:
    put_numbers(pfs, 1)
    patch = [{"op": "add", "path": "/containers/0/volumeMounts/-",
              "value": {"name": "nothing", "mountPath": "/x"}}]  # fmt: skip
    pfs.create_pipeline(copy_spec(pod_patch=json.dumps(patch)))

    (job,) = pfs.run(launcher="kubernetes", cluster=options)

    assert job.state == "failure"
    assert "volumeMounts" in job.reason
    assert 'Not found: "nothing"' in job.reason
    assert cluster.get("jobs", options["namespace"]) == []


def test_too_many_workers(cluster: Cluster, pfs: Pfs, options: dict[str, Any]) -> None:
    put_numbers(pfs, 3)
    pfs.create_pipeline(copy_spec(workers=5000))

    (job,) = pfs.run(launcher="kubernetes", cluster=options)

    assert job.state == "failure"
    assert job.reason.startswith("parallelism_spec.constant: 5000 workers are not between 1 and")
    assert cluster.get("jobs", options["namespace"]) == []


def test_a_store_that_pods_cannot_reach_is_found_by_four(
    cluster: Cluster, pfs: Pfs, options: dict[str, Any], pod_store: Any
) -> None:
    with socket.socket() as free:
        free.bind((pod_host(), 0))
        port = free.getsockname()[1]
    nowhere = pod_store.url.partition("?")[0] + f"?endpoint=http://{pod_host()}:{port}"
    put_numbers(pfs, 200)
    pfs.create_pipeline(copy_spec(workers=200))
    most = 0

    with running(pfs, options | {"store_url": nowhere, "start_timeout_s": 240}) as run:
        while not run.done():
            alive = [pod for pod in cluster.get("pods", options["namespace"])
                     if pod["status"]["phase"] in {"Pending", "Running"}]  # fmt: skip
            most = max(most, len(alive))
            time.sleep(0.3)
        (job,) = run.result()

    assert 1 <= most <= 4
    assert job.state == "failure"
    assert "does not answer" in job.reason
    assert str(port) in job.reason
    assert pods(cluster, options["namespace"]) == []


def test_a_cluster_that_is_not_there(pfs: Pfs, options: dict[str, Any], tmp_path: Any) -> None:
    put_numbers(pfs, 1)
    pfs.create_pipeline(copy_spec())

    with pytest.raises(PfsError, match="no-such-file") as raised:
        pfs.run(
            launcher="kubernetes", cluster=options | {"kubeconfig": str(tmp_path / "no-such-file")}
        )

    assert raised.value.code == ErrorCode.SETTINGS_ILLEGAL
    assert pfs.list_jobs("up")[0].state == "starting"

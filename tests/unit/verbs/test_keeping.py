"""A job that is kept for a workflow, in a catalog and beside an API that are real."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.errors import ConflictError
from pfs_provider.verbs.keeping import SOON_S, Keeping
from pfs_provider.verbs.workflows import Stay
from tests.kube_api import Fault, KubeApi, kube_api
from tests.pfs_world import PfsWorld

ME = Stay(namespace="work", workflow="w", uid="u1", node="w.begin")
ABROAD = Stay(namespace="other", workflow="x", uid="u2")
CLUSTER = {"worker_image": "pfs:1", "store_url": "s3://b/x", "user_image": "busybox:1"}


@pytest.fixture
def api() -> Iterator[KubeApi]:
    with kube_api() as served:
        yield served


@pytest.fixture
def job(world: PfsWorld) -> str:
    world.pfs.create_pipeline(
        {
            "pipeline": {"name": "up"},
            "transform": {"cmd": ["copy"]},
            "input": {"pfs": {"repo": "in", "glob": "/*"}},
        }
    )
    world.put(a="1")
    begun = world.pfs.begin_workflow("up", ME, cluster=CLUSTER).job
    assert begun is not None
    return begun


def _open(world: PfsWorld, job: str, api: KubeApi, folder: Path) -> Keeping:
    given = CLUSTER | {"kubeconfig": api.kubeconfig(folder)}
    return world.pfs.open_keeping(job, ME, lease_s=60, cluster=given)


def _put_pod(api: KubeApi, job: str) -> None:
    argo = {"workflows.argoproj.io/workflow": "w"}
    waiting = {"reason": "InvalidImageName", "message": "A B is no name"}
    api.objects["pods", "w-1"] = {
        "metadata": {
            "name": "w-1",
            "uid": "w-1",
            "labels": {"pfs.job": job.rpartition("@")[2], **argo},
            "annotations": {"pfs/job": job},
        },
        "status": {
            "phase": "Pending",
            "initContainerStatuses": [
                {"name": "user", "image": "A B", "state": {"waiting": waiting}}
            ],
        },
    }


def _patient(keeping: Keeping) -> None:
    """Let what is missing have been so for long."""
    assert keeping.starts is not None
    seen = keeping.starts._since
    seen |= dict.fromkeys(seen, -1000.0)


def test_a_job_whose_workers_cannot_start_fails_and_so_do_their_pods(
    world: PfsWorld, job: str, api: KubeApi, tmp_path: Path
) -> None:
    keeping = _open(world, job, api, tmp_path)
    _put_pod(api, job)

    first = list(keeping.turn())
    before = world.pfs.inspect_job(job).state
    _patient(keeping)
    second = list(keeping.turn())

    assert first == [f"{job} is kept"]
    assert before == "running"
    assert [line for line in second if "cannot be worked: InvalidImageName" in line]
    ended = world.pfs.inspect_job(job)
    assert ended.state == "failure"
    assert "A B is no name" in ended.reason
    assert "A B is no name" in api.only("pods")["status"]["message"]


def test_a_job_that_was_stopped_leaves_no_pod_that_waits(
    world: PfsWorld, job: str, api: KubeApi, tmp_path: Path
) -> None:
    keeping = _open(world, job, api, tmp_path)
    list(keeping.turn())
    _put_pod(api, job)

    world.pfs.stop_job(job)
    keeping._next_renewal = 0.0
    list(keeping.turn())

    assert api.only("pods")["status"]["phase"] == "Failed"
    assert world.pfs.inspect_job(job).state == "killed"


def test_without_the_right_to_see_pods_the_job_is_kept_all_the_same(
    world: PfsWorld, job: str, api: KubeApi, tmp_path: Path
) -> None:
    keeping = _open(world, job, api, tmp_path)
    api.faults.append(Fault(403, 'User "x" cannot list resource "pods"', of="/pods"))

    said = list(keeping.turn())

    assert said[0] == f"{job} is kept"
    assert "list pods" in said[1]
    assert list(keeping.turn()) == []
    with pytest.raises(ConflictError):
        world.pfs.begin_workflow("up", ABROAD, cluster=CLUSTER)


def test_a_cluster_that_does_not_answer_is_asked_again(
    world: PfsWorld, job: str, api: KubeApi, tmp_path: Path
) -> None:
    keeping = _open(world, job, api, tmp_path)
    api.faults += [Fault(500, "away", of="/pods")] * 3

    list(keeping.turn())

    assert keeping.starts is not None
    assert keeping.pause_s < 60 / 4


def test_who_waits_for_room_for_long_is_looked_at_less_often(
    world: PfsWorld, job: str, api: KubeApi, tmp_path: Path
) -> None:
    keeping = _open(world, job, api, tmp_path)
    list(keeping.turn())
    soon = keeping.pause_s
    keeping._began = keeping.clock.monotonic() - 2 * SOON_S

    assert soon < keeping.pause_s == 60 / 4

"""One look at the pods of a job, against a real HTTP server."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.airflow.triggers.kube import open_kube
from pfs_provider.airflow.triggers.pod_watch import PodWatch
from pfs_provider.clock import SystemClock
from pfs_provider.jobs.launcher import WorkersState
from pfs_provider.k8s.signs import SignsOfLife
from tests.kube_api import NAMESPACE, KubeApi, kube_api
from tests.pfs_world import PfsWorld, spec


@pytest.fixture
def api() -> Iterator[KubeApi]:
    with kube_api() as served:
        yield served


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PfsWorld]:
    made = PfsWorld(tmp_path / "world")
    made.pfs.create_repo("in")
    made.pfs.create_pipeline(spec("up"))
    made.put(a="1")
    yield made
    made.close()


def _add(api: KubeApi, plural: str, body: dict[str, Any]) -> dict[str, Any]:
    return dict(api.answer("POST", f"/api/v1/namespaces/{NAMESPACE}/{plural}", body)[1])


def _job(api: KubeApi, parallelism: int = 4) -> str:
    body = {"metadata": {"name": "j"}, "spec": {"completions": 16, "parallelism": parallelism}}
    return str(_add(api, "jobs", body)["metadata"]["uid"])


def _pod(api: KubeApi, job: str, name: str, **status: Any) -> str:
    labels = {"batch.kubernetes.io/controller-uid": job}
    body = {"metadata": {"name": name, "labels": labels}, "status": status}
    return str(_add(api, "pods", body)["metadata"]["uid"])


def _look(api: KubeApi, world: PfsWorld, folder: Path, times: int = 1) -> WorkersState | None:
    watch = PodWatch(
        name="j",
        signs=SignsOfLife(world.storage.store, world.ref("up")),
        clock=SystemClock(),
        start_timeout_s=60,
    )

    async def look() -> WorkersState | None:
        config = api.kubeconfig(folder)
        async with open_kube(namespace=NAMESPACE, kubeconfig=config, context=None) as kube:
            for _ in range(times - 1):
                await watch.look(kube)
            return await watch.look(kube)

    return asyncio.run(look())


def test_pods_that_work_need_no_word(api: KubeApi, world: PfsWorld, tmp_path: Path) -> None:
    job = _job(api)
    running = {"name": "storage", "state": {"running": {}}}
    for number in range(2):
        _pod(api, job, f"p{number}", phase="Running", containerStatuses=[running])
    _pod(api, job, "done", phase="Succeeded")

    assert _look(api, world, tmp_path) == WorkersState(alive=2)


def test_events_tell_what_no_status_does_and_those_of_others_count_for_nothing(
    api: KubeApi, world: PfsWorld, tmp_path: Path
) -> None:
    job = _job(api)
    pod = _pod(api, job, "p", phase="Pending")
    for number, (uid, text) in enumerate([("other", "no"), (pod, "secret is missing")]):
        event = {"type": "Warning", "reason": "FailedMount", "message": text}
        about = {"involvedObject": {"uid": uid}, "metadata": {"name": f"e{number}"}}
        _add(api, "events", event | about)

    state = _look(api, world, tmp_path)

    assert state is not None
    assert state.notice == "FailedMount: secret is missing"


def test_after_a_sign_of_life_all_pods_may_run(
    api: KubeApi, world: PfsWorld, tmp_path: Path
) -> None:
    _job(api)

    _look(api, world, tmp_path)
    assert api.only("jobs")["spec"]["parallelism"] == 4
    world.storage.store.create(world.ref("up").beat("w"), b"1")
    _look(api, world, tmp_path)
    assert api.only("jobs")["spec"]["parallelism"] == 16


def test_a_job_that_is_being_deleted_is_gone(api: KubeApi, world: PfsWorld, tmp_path: Path) -> None:
    assert _look(api, world, tmp_path) is None
    _job(api)
    api.only("jobs")["metadata"]["deletionTimestamp"] = "2026-11-21T12:00:00Z"
    assert _look(api, world, tmp_path) is None


def test_nothing_is_kept_of_pods_from_look_to_look(
    api: KubeApi, world: PfsWorld, tmp_path: Path
) -> None:
    job = _job(api)
    for number in range(150):
        _pod(api, job, f"p{number}", phase="Succeeded", message="x" * 1000)

    state = _look(api, world, tmp_path, times=3)

    assert state is not None
    lists = [line for line in api.requests if "/pods?" in line]
    assert len(lists) == 3 * 2
    assert "x" * 1000 not in json.dumps(state.notice)

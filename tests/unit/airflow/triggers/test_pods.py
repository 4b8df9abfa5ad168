"""The trigger over a Job of a fake API with real HTTP; the test says what its pods do."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.airflow.triggers import pods
from pfs_provider.airflow.triggers.pods import PodsTrigger
from pfs_provider.clock import SystemClock
from pfs_provider.pfs import Pfs
from tests.kube_api import NAMESPACE, Fault, KubeApi, kube_api
from tests.pfs_world import PfsWorld, make_session, spec

ME = "airflow/dag/run/task/-1"


@pytest.fixture
def api() -> Iterator[KubeApi]:
    with kube_api() as served:
        yield served


@pytest.fixture
def world(tmp_path: Path, pfs_home: Path) -> Iterator[PfsWorld]:
    pfs_home.mkdir()
    made = PfsWorld(
        tmp_path / "world",
        catalog=f"sqlite:///{pfs_home / 'catalog.db'}",
        store=(pfs_home / "store").as_uri(),
    )
    made.pfs.create_repo("in")
    made.pfs.create_pipeline(spec("up"))
    made.put(a="1", b="2")
    made.pfs.claim_job("up", owner=ME)
    made.pfs.plan_job(str(made.ref("up")))
    yield made
    made.close()


def _trigger(world: PfsWorld, api: KubeApi, folder: Path, **more: Any) -> PodsTrigger:
    given: dict[str, Any] = {
        "job": str(world.ref("up")),
        "owner": ME,
        "name": "j",
        "namespace": NAMESPACE,
        "kubeconfig": api.kubeconfig(folder),
        "start_timeout_s": 60.0,
        "launched_at": SystemClock().now().isoformat(),
        "pfs_conn_id": "pfs_default",
        "poll_s": 0.02,
    }
    return PodsTrigger(**given | more)


def _make_job(api: KubeApi, **status: Any) -> dict[str, Any]:
    body = {
        "metadata": {"name": "j"},
        "spec": {"completions": 16, "parallelism": 4},
        "status": status,
    }
    return dict(api.answer("POST", f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs", body)[1])


def _make_pod(api: KubeApi, job: dict[str, Any], name: str, **status: Any) -> None:
    labels = {"batch.kubernetes.io/controller-uid": job["metadata"]["uid"]}
    body = {"metadata": {"name": name, "labels": labels}, "status": status}
    api.answer("POST", f"/api/v1/namespaces/{NAMESPACE}/pods", body)


def _work(world: PfsWorld) -> None:
    make_session(world.storage, world.ref("up"), world.executor, world.folder / "s").run()


async def _first(trigger: PodsTrigger) -> Any:
    async for event in trigger.run():
        return event.payload
    return None


def _event(trigger: PodsTrigger, during: Any = None) -> Any:
    """The trigger's event; ``during`` is called once it waits."""

    async def story() -> Any:
        waiting = asyncio.create_task(_first(trigger))
        if during is not None:
            await asyncio.sleep(0.3)
            assert not waiting.done(), waiting.result()
            await asyncio.to_thread(during)
        return await asyncio.wait_for(waiting, 60)

    return asyncio.run(story())


def test_it_fires_when_every_set_has_a_result(
    world: PfsWorld, api: KubeApi, tmp_path: Path
) -> None:
    _make_job(api)

    event = _event(_trigger(world, api, tmp_path), during=lambda: _work(world))

    assert event == {"job": str(world.ref("up")), "outcome": "done", "problem": None}


def test_all_pods_may_run_once_one_has_given_a_sign_of_life(
    world: PfsWorld, api: KubeApi, tmp_path: Path
) -> None:
    _make_job(api)

    def live_then_work() -> None:
        world.storage.store.replace(world.ref("up").beat("w"), b"1")
        clock, end = SystemClock(), SystemClock().monotonic() + 10
        while api.only("jobs")["spec"]["parallelism"] == 4:
            assert clock.monotonic() < end
            clock.sleep(0.02)
        _work(world)

    _event(_trigger(world, api, tmp_path), during=live_then_work)

    assert api.only("jobs")["spec"]["parallelism"] == 16


def test_what_hinders_pods_is_the_jobs_reason_and_ends_the_wait_in_time(
    world: PfsWorld, api: KubeApi, tmp_path: Path
) -> None:
    job = _make_job(api)
    waiting = {"reason": "ImagePullBackOff", "message": "no such thing"}
    status = {"name": "user", "image": "x:1", "state": {"waiting": waiting}}
    _make_pod(api, job, "p", phase="Pending", initContainerStatuses=[status])
    reasons: list[str] = []

    def look() -> None:
        clock, end = SystemClock(), SystemClock().monotonic() + 30
        while not (told := world.pfs.inspect_job(str(world.ref("up"))).reason):
            assert clock.monotonic() < end
            clock.sleep(0.02)
        reasons.append(told)

    event = _event(_trigger(world, api, tmp_path, start_timeout_s=3.0), during=look)

    assert "x:1" in reasons[0]
    assert "cannot be pulled" in reasons[0]
    assert event["outcome"] == "problem"
    assert "no worker gave a sign of life for 3 s" in event["problem"]
    assert "ImagePullBackOff" in event["problem"]


@pytest.mark.parametrize("status", [None, {"conditions": [{"type": "Complete", "status": "True"}]}])
def test_a_job_that_is_gone_or_ended_with_work_left_is_told(
    world: PfsWorld, api: KubeApi, tmp_path: Path, status: dict[str, Any] | None
) -> None:
    if status is not None:
        _make_job(api, **status)

    assert _event(_trigger(world, api, tmp_path))["outcome"] == "gone"


def test_a_job_that_others_have_or_a_person_stopped_is_lost(
    world: PfsWorld, api: KubeApi, tmp_path: Path
) -> None:
    _make_job(api)

    event = _event(
        _trigger(world, api, tmp_path), during=lambda: world.pfs.stop_job(str(world.ref("up")))
    )

    assert event["outcome"] == "lost"


def test_an_api_that_is_away_for_a_moment_is_waited_for(
    world: PfsWorld, api: KubeApi, tmp_path: Path
) -> None:
    _make_job(api)
    api.faults = [Fault(503, "etcd is away") for _ in range(3)]

    assert _event(_trigger(world, api, tmp_path), during=lambda: _work(world))["outcome"] == "done"


def test_a_right_that_is_missing_and_an_api_that_stays_away_end_the_wait(
    world: PfsWorld, api: KubeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _make_job(api)
    api.faults = [Fault(403, "jobs.batch is forbidden")]
    forbidden = _event(_trigger(world, api, tmp_path))
    monkeypatch.setattr(pods, "API_GRACE_S", 0.05)
    api.faults = [Fault(503, "etcd is away") for _ in range(1000)]
    away = _event(_trigger(world, api, tmp_path))

    assert forbidden["outcome"] == away["outcome"] == "unavailable"
    assert "etcd is away" in away["problem"]


def test_it_keeps_the_job_while_it_waits(world: PfsWorld, api: KubeApi, tmp_path: Path) -> None:
    _make_job(api)
    world.pfs.claim_job("up", owner=ME, lease_s=-1)
    trigger = _trigger(world, api, tmp_path)

    async def wait_a_little() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(_first(trigger), 0.5)

    asyncio.run(wait_a_little())

    assert world.pfs.claim_job("up", owner="other") is None


def test_a_person_who_ends_the_task_ends_the_pods_and_frees_the_job(
    world: PfsWorld, api: KubeApi, tmp_path: Path, pfs_home: Path
) -> None:
    _make_job(api)

    asyncio.run(_trigger(world, api, tmp_path).on_kill())

    assert not api.objects
    with Pfs(home=pfs_home) as pfs:
        info = pfs.inspect_job(str(world.ref("up")))
    assert (info.state, info.reason) == ("starting", "stopped in Airflow")


def test_it_is_built_again_from_what_it_tells(
    world: PfsWorld, api: KubeApi, tmp_path: Path
) -> None:
    path, kwargs = _trigger(world, api, tmp_path).serialize()

    assert path == "pfs_provider.airflow.triggers.pods.PodsTrigger"
    assert PodsTrigger(**kwargs).serialize() == (path, kwargs)

"""The watch over a Job, against a real HTTP server; the test says what its pods do."""

from collections.abc import Callable
from typing import Any

import pytest

from pfs_provider.errors import UnavailableError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.k8s.client import ATTEMPTS, JOBS, KubeClient
from pfs_provider.k8s.signs import SignsOfLife
from pfs_provider.k8s.workers import (
    API_GRACE_S,
    MAX_REMADE,
    POLL_S,
    KubernetesWorkers,
    has_condition,
    pod_selector,
)
from tests.kube_api import Fault, KubeApi
from tests.pfs_world import PfsWorld
from tests.unit.k8s.conftest import HandClock

Watched = Callable[..., KubernetesWorkers]


@pytest.fixture
def watched(client: KubeClient, clock: HandClock, world: PfsWorld, job: JobRef) -> Watched:
    manifest = {
        "metadata": {"name": "j"},
        "spec": {"completions": 16, "parallelism": 4},
    }

    def make(**more: Any) -> KubernetesWorkers:
        workers = KubernetesWorkers(
            client=client,
            clock=clock,
            name="j",
            signs=SignsOfLife(world.storage.store, job),
            start_timeout_s=60.0,
            **{"make": lambda: client.create(JOBS, manifest), **more},
        )
        client.create(JOBS, manifest)
        return workers

    return make


def _beat(world: PfsWorld, job: JobRef, text: str = "1") -> None:
    world.storage.store.replace(job.beat(text), b"1")


def _run_pods(api: KubeApi, n: int) -> None:
    uid = api.only("jobs")["metadata"]["uid"]
    for number in range(n):
        api.objects["pods", f"j-{number}"] = {
            "metadata": {
                "name": f"j-{number}",
                "uid": f"p{number}",
                "labels": {"batch.kubernetes.io/controller-uid": uid},
            },
            "status": {
                "phase": "Running",
                "containerStatuses": [{"name": "storage", "state": {"running": {}}}],
            },
        }


def test_all_pods_may_run_once_one_has_given_a_sign_of_life(
    watched: Watched, api: KubeApi, clock: HandClock, world: PfsWorld, job: JobRef
) -> None:
    workers = watched()
    _run_pods(api, 4)

    assert workers.poll().alive == 4
    clock.sleep(POLL_S)
    workers.poll()
    assert api.only("jobs")["spec"]["parallelism"] == 4

    _beat(world, job)
    clock.sleep(POLL_S)
    workers.poll()
    assert api.only("jobs")["spec"]["parallelism"] == 16


def test_the_cluster_is_asked_every_few_seconds_only(
    watched: Watched, api: KubeApi, clock: HandClock
) -> None:
    workers = watched()
    workers.poll()
    n_requests = len(api.requests)

    workers.poll()
    assert len(api.requests) == n_requests

    clock.sleep(POLL_S)
    workers.poll()
    assert len(api.requests) > n_requests


def test_workers_that_never_show_life_are_given_up_with_the_notice(
    watched: Watched, api: KubeApi, clock: HandClock
) -> None:
    workers = watched()
    api.objects["events", "e"] = {
        "metadata": {"name": "e"},
        "reason": "FailedCreate",
        "message": "exceeded quota: small",
        "involvedObject": {"uid": api.only("jobs")["metadata"]["uid"]},
    }

    assert workers.poll().notice == "FailedCreate: exceeded quota: small"
    clock.sleep(61)

    problem = workers.poll().problem
    assert problem == (
        "no worker gave a sign of life for 60 s (k8s_start_timeout_s): "
        "FailedCreate: exceeded quota: small"
    )


def test_pods_that_work_are_life_once_a_beat_was_seen(
    watched: Watched, api: KubeApi, clock: HandClock, world: PfsWorld, job: JobRef
) -> None:
    workers = watched()
    _run_pods(api, 4)
    _beat(world, job)
    workers.poll()

    for _ in range(5):
        clock.sleep(40)
        assert workers.poll().problem is None


def test_a_job_that_was_deleted_is_made_again_a_few_times(
    watched: Watched, api: KubeApi, clock: HandClock
) -> None:
    workers = watched()
    for _ in range(MAX_REMADE):
        del api.objects["jobs", "j"]
        clock.sleep(POLL_S)
        state = workers.poll()
        assert state.notice == "its Job was deleted, and is made again"
        assert api.only("jobs")["spec"]["completions"] == 16

    del api.objects["jobs", "j"]
    clock.sleep(POLL_S)
    assert "5 times, now it is given up" in (workers.poll().problem or "")


def test_a_job_that_ended_with_work_left_is_made_again(
    watched: Watched, api: KubeApi, client: KubeClient
) -> None:
    def make() -> Any:
        client.delete(JOBS, "j")
        return client.create(JOBS, {"metadata": {"name": "j"}, "spec": {"completions": 2}})

    workers = watched(make=make)
    api.only("jobs")["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}

    assert workers.poll().notice == "its Job ended with work left, and is made again"
    assert api.only("jobs")["spec"]["completions"] == 2


def test_nothing_is_made_again_when_nothing_is_left_to_do(
    watched: Watched, api: KubeApi, world: PfsWorld, job: JobRef
) -> None:
    workers = watched()
    del api.objects["jobs", "j"]
    world.storage.store.create(job.stop, b"stopped by a user")

    assert workers.poll().alive == 0
    assert not api.objects


def test_a_handle_that_only_watches_makes_nothing(watched: Watched, api: KubeApi) -> None:
    workers = watched(make=None)
    del api.objects["jobs", "j"]

    assert workers.poll().alive == 0
    assert not api.objects


def test_an_api_that_is_away_is_told_and_outlasted_for_a_while(
    watched: Watched, api: KubeApi, clock: HandClock
) -> None:
    workers = watched()
    workers.poll()
    away = [Fault(503, "etcd is gone")] * ATTEMPTS

    clock.sleep(POLL_S)
    api.faults = list(away)
    state = workers.poll()
    assert "etcd is gone" in (state.notice or "")
    assert (state.alive, state.problem) == (1, None)

    clock.sleep(POLL_S)
    assert workers.poll().notice is None

    clock.sleep(POLL_S)
    api.faults = list(away)
    workers.poll()
    clock.sleep(API_GRACE_S)
    api.faults = list(away)
    with pytest.raises(UnavailableError, match="etcd is gone"):
        workers.poll()


def test_a_right_that_is_taken_away_is_told_at_once(watched: Watched, api: KubeApi) -> None:
    workers = watched()
    api.faults = [Fault(403, 'User "u" cannot get resource "jobs"')]

    with pytest.raises(UnavailableError, match="get jobs"):
        workers.poll()


def test_stopping_deletes_the_job_and_waits_until_it_is_gone(
    watched: Watched, api: KubeApi, clock: HandClock
) -> None:
    workers = watched()
    workers.stop()
    workers.stop()
    assert not api.objects

    slow = watched()
    api.keeps_deleted = True
    slept = len(clock.slept)
    slow.stop()
    assert sum(clock.slept[slept:]) >= 45


def test_a_complete_job_is_left_to_be_looked_at(watched: Watched, api: KubeApi) -> None:
    workers = watched()
    api.only("jobs")["status"] = {"conditions": [{"type": "SuccessCriteriaMet", "status": "True"}]}

    workers.stop()

    assert api.only("jobs")["metadata"]["name"] == "j"


def test_a_job_that_cannot_be_deleted_is_told_and_does_no_harm(
    watched: Watched, api: KubeApi, caplog: pytest.LogCaptureFixture
) -> None:
    workers = watched()
    api.faults = [Fault(403, 'User "u" cannot get resource "jobs"')]

    workers.stop()

    assert "may be left" in caplog.text


def test_conditions_and_selectors_are_words_of_the_api() -> None:
    job = {"status": {"conditions": [{"type": "Complete", "status": "False"},
                                     {"type": "Failed", "status": "True"}]}}  # fmt: skip

    assert not has_condition(job, "Complete")
    assert has_condition(job, "Complete", "Failed")
    assert not has_condition({}, "Complete")
    assert pod_selector("u") == "batch.kubernetes.io/controller-uid=u"

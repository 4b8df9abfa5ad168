"""A task's way through its jobs on Kubernetes, against a fake API; the test plays the pods."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from pfs_provider.airflow.operators.pipeline import PfsPipelineOperator
from pfs_provider.airflow.pods_run import MAX_GONE
from pfs_provider.airflow.runs import run_owner
from tests.kube_api import NAMESPACE, KubeApi, kube_api
from tests.pfs_world import PfsWorld, make_session, spec
from tests.unit.airflow.contexts import TaskInstance, task_context


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
    yield made
    made.close()


@pytest.fixture
def operator(api: KubeApi, tmp_path: Path) -> PfsPipelineOperator:
    cluster = {
        "kubeconfig": api.kubeconfig(tmp_path),
        "user_image": "busybox:1",
        "store_url": "s3://bucket",
        "store_secret": "store",
    }
    return PfsPipelineOperator(
        task_id="up",
        pipeline="up",
        launcher="kubernetes",
        namespace=NAMESPACE,
        worker_image="pfs:1",
        cluster=cluster,
    )


def _defer(operator: PfsPipelineOperator, context: Any, verb: str = "execute", *args: Any) -> Any:
    with pytest.raises(TaskDeferred) as deferred:
        getattr(operator, verb)(context, *args)
    return deferred.value


def _work(world: PfsWorld, job: str) -> None:
    ref = world.ref("up", job)
    make_session(world.storage, ref, world.executor, world.folder / f"s{job}").run()


def _event(job: str, outcome: str, problem: str | None = None) -> dict[str, str | None]:
    return {"job": f"up@{job}", "outcome": outcome, "problem": problem}


def test_jobs_are_launched_slept_over_and_ended_one_after_the_other(
    world: PfsWorld, operator: PfsPipelineOperator, api: KubeApi
) -> None:
    first, second = world.put(a="1"), world.put(b="2")
    context = task_context()

    sleep = _defer(operator, context)
    kwargs = sleep.trigger.serialize()[1]
    assert (sleep.method_name, kwargs["job"]) == ("resume_job", f"up@{first}")
    assert kwargs["name"] == api.only("jobs")["metadata"]["name"]
    assert api.only("jobs")["metadata"]["labels"]["pfs.dag"] == "dag"
    _work(world, first)
    sleep = _defer(operator, context, "resume_job", _event(first, "done"), 0)
    assert sleep.trigger.serialize()[1]["job"] == f"up@{second}"
    _work(world, second)

    result = operator.resume_job(context, _event(second, "done"))

    assert result == [f"default/up@{first}", f"default/up@{second}"]
    assert not [key for key in api.objects if key[0] == "jobs"]
    pushed = context["ti"].pushed
    assert pushed["pfs_pods"].startswith(f"{NAMESPACE}/pfs-up-")


def test_a_problem_fails_the_job_and_the_task(
    world: PfsWorld, operator: PfsPipelineOperator, api: KubeApi
) -> None:
    job = world.put(a="1")
    context = task_context()
    _defer(operator, context)

    with pytest.raises(AirflowFailException, match=f"up@{job} failure: no image"):
        operator.resume_job(context, _event(job, "problem", "no image"))

    assert not [key for key in api.objects if key[0] == "jobs"]


def test_a_job_that_is_gone_is_made_again_but_not_for_ever(
    world: PfsWorld, operator: PfsPipelineOperator, api: KubeApi
) -> None:
    job = world.put(a="1")
    context = task_context()
    sleep = _defer(operator, context)
    for n_gone in range(MAX_GONE):
        api.objects.clear()
        sleep = _defer(operator, context, "resume_job", _event(job, "gone"), n_gone)
        assert api.only("jobs")
        assert sleep.kwargs == {"n_gone": n_gone + 1}

    with pytest.raises(AirflowFailException, match="its Job was deleted 6 times: given up"):
        operator.resume_job(context, _event(job, "gone"), MAX_GONE)


def test_what_cannot_be_waited_for_is_given_back_for_a_retry(
    world: PfsWorld, operator: PfsPipelineOperator
) -> None:
    job = world.put(a="1")
    context = task_context()
    _defer(operator, context)

    with pytest.raises(AirflowException, match="cannot be waited for: no answer"):
        operator.resume_job(context, _event(job, "unavailable", "no answer"))

    info = world.pfs.inspect_job(f"up@{job}")
    assert (info.state, info.reason) == ("starting", "no answer")


def test_a_job_of_another_run_is_waited_for_and_its_commit_is_the_result(
    world: PfsWorld, operator: PfsPipelineOperator
) -> None:
    job = world.put(a="1")
    first = task_context(ti=TaskInstance(run_id="first"))
    second = task_context(ti=TaskInstance(run_id="second"))
    _defer(operator, first)

    sleep = _defer(operator, second)
    assert sleep.method_name == "resume_turn"
    assert sleep.trigger.serialize()[1]["owner"] == run_owner(second)
    _work(world, job)
    assert operator.resume_job(first, _event(job, "done")) == [f"default/up@{job}"]
    assert operator.resume_turn(second, {}) == [f"default/up@{job}"]


def test_a_job_without_work_is_ended_without_pods(
    world: PfsWorld, operator: PfsPipelineOperator, api: KubeApi
) -> None:
    job = world.commit("in@master", {})

    assert operator.execute(task_context()) == [f"default/up@{job}"]
    assert not api.objects


def test_told_to_end_before_it_sleeps_it_stops_the_pods_and_gives_the_job_back(
    world: PfsWorld,
    operator: PfsPipelineOperator,
    api: KubeApi,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = world.put(a="1")
    context = task_context()
    monkeypatch.setattr(TaskInstance, "xcom_push", lambda *_, **__: operator.on_kill())

    with pytest.raises(AirflowException, match="stopped by Airflow"):
        operator.execute(context)

    assert not [key for key in api.objects if key[0] == "jobs"]
    info = world.pfs.inspect_job(f"up@{job}")
    assert (info.state, info.reason) == ("starting", "stopped in Airflow")

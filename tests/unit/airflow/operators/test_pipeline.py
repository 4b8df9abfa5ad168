import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from pfs_provider.airflow.operators.pipeline import PfsPipelineOperator
from pfs_provider.airflow.processes import end_process, is_alive
from pfs_provider.airflow.runs import run_owner
from pfs_provider.clock import SystemClock
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import TaskInstance, task_context
from tests.unit.airflow.test_checks import copy_spec

COPY = "cp -r /pfs/images/. /pfs/out/"


def _prepare(home: Path, command: str = COPY, *, puts: int = 1) -> list[str]:
    ids: list[str] = []
    with Pfs(home=home) as pfs:
        pfs.create_repo("images")
        pfs.create_pipeline(copy_spec(command))
        for number in range(puts):
            with pfs.commit("images@master") as commit:
                commit.put_file(f"/{number}", b"x")
            ids.append(commit.id)
    return ids


def _operator(**kwargs: Any) -> PfsPipelineOperator:
    return PfsPipelineOperator(task_id="copy", pipeline="copy", **kwargs)


def test_all_ready_jobs_are_done_and_their_commits_given_in_order(pfs_home: Path) -> None:
    ids = _prepare(pfs_home, puts=2)
    context = task_context()

    result = _operator().execute(context)

    assert result == [f"default/copy@{job}" for job in ids]
    assert context["ti"].pushed == {"pfs_job": f"copy@{ids[1]}", "pfs_commit": result[1]}


def test_with_nothing_to_do_it_succeeds_with_nothing(pfs_home: Path) -> None:
    _prepare(pfs_home, puts=0)
    context = task_context()

    assert _operator().execute(context) == []
    assert context["ti"].pushed == {}


def test_a_failed_job_fails_the_task_for_good_with_its_reason(pfs_home: Path) -> None:
    (job,) = _prepare(pfs_home, "exit 3")
    context = task_context()

    with pytest.raises(AirflowFailException, match=rf"1 of 1 jobs.*copy@{job} failure: "):
        _operator().execute(context)

    assert context["ti"].pushed == {"pfs_job": f"copy@{job}"}
    context["ti"] = TaskInstance(try_number=2, max_tries=3)  # cleared by a person
    assert _operator().execute(context) == []  # nothing is left of the failure


def test_a_missing_pipeline_is_named_and_tried_again_later(pfs_home: Path) -> None:
    with pytest.raises(AirflowException, match=r"copy.*\[pipeline-not-found\]") as caught:
        _operator().execute(task_context())

    assert not isinstance(caught.value, AirflowFailException)


def test_stopped_by_airflow_it_gives_the_job_back_for_a_retry(
    pfs_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = _prepare(pfs_home, "sleep 600")
    operator = _operator()
    started = threading.Event()
    monkeypatch.setattr(operator, "_say", lambda _line: started.set())

    def kill_when_it_works() -> None:
        started.wait(30)
        os.kill(os.getpid(), signal.SIGUSR1)

    killer = threading.Thread(target=kill_when_it_works)
    before = signal.signal(signal.SIGUSR1, lambda *_: operator.on_kill())
    killer.start()

    with pytest.raises(AirflowException, match="stopped by Airflow"):
        operator.execute(task_context())

    killer.join()
    signal.signal(signal.SIGUSR1, before)
    with Pfs(home=pfs_home) as pfs:
        again = pfs.claim_job("copy", owner="retry")
    assert again is not None
    assert again.id == job


def test_a_retry_takes_up_the_job_of_a_try_that_was_killed(pfs_home: Path) -> None:
    (job,) = _prepare(pfs_home)
    context = task_context()
    with Pfs(home=pfs_home) as pfs:  # the first try, on a machine that is gone
        assert pfs.claim_job("copy", owner=run_owner(context), lease_s=3600) is not None

    assert _operator().execute(context) == [f"default/copy@{job}"]


def test_ended_without_work_on_kill_does_nothing() -> None:
    _operator().on_kill()


def test_deferred_it_sleeps_in_a_trigger_while_a_process_works(pfs_home: Path) -> None:
    (job,) = _prepare(pfs_home)
    context = task_context()
    operator = _operator(deferrable=True)

    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context)

    process = deferred.value.trigger.serialize()[1]["process"]
    clock = SystemClock()
    end = clock.monotonic() + 30
    while is_alive(process):
        assert clock.monotonic() < end
        clock.sleep(0.05)
    result = operator.resume(context, {}, **(deferred.value.kwargs or {}))
    assert result == [f"default/copy@{job}"]
    assert not Path((deferred.value.kwargs or {})["log"]).exists()


def test_what_a_dead_process_left_undone_is_done_on_resuming(pfs_home: Path) -> None:
    (job,) = _prepare(pfs_home)
    context = task_context()
    operator = _operator(deferrable=True)
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context)

    end_process(deferred.value.trigger.serialize()[1]["process"])

    result = operator.resume(context, {}, **(deferred.value.kwargs or {}))
    assert result == [f"default/copy@{job}"]

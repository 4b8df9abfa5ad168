from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from pfs_provider.airflow.operators.map_steps import (
    PLAN_XCOM,
    PfsFinishOperator,
    PfsPlanOperator,
    PfsWorkOperator,
    worker_name,
)
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import task_context
from tests.unit.airflow.test_checks import copy_spec

COPY = "cp -r /pfs/images/. /pfs/out/"
OF_GROUP: dict[str, Any] = {"pipeline": "copy", "group": "copy"}


def _prepare(home: Path, command: str = COPY, *, files: int = 4, puts: int = 1) -> list[str]:
    ids: list[str] = []
    with Pfs(home=home) as pfs:
        pfs.create_repo("images")
        pfs.create_pipeline(copy_spec(command))
        for number in range(puts):
            with pfs.commit("images@master") as commit:
                for file in range(files):
                    commit.put_file(f"/{number}-{file}", b"x")
            ids.append(commit.id)
    return ids


def _plan(**kwargs: Any) -> tuple[list[int], dict[str, Any]]:
    context = task_context()
    numbers = PfsPlanOperator(task_id="plan", **OF_GROUP, **kwargs).execute(context)
    return numbers, context["ti"].pushed[PLAN_XCOM]


def _work(number: int, plan: dict[str, Any]) -> None:
    PfsWorkOperator(task_id="work", number=number, plan=plan, **OF_GROUP).execute(task_context())


def _finish(plan: dict[str, Any] | None, **kwargs: Any) -> list[str]:
    operator = PfsFinishOperator(task_id="finish", plan=plan, **OF_GROUP, **kwargs)
    return operator.execute(task_context())


def test_a_job_is_planned_worked_by_several_tasks_and_finished(pfs_home: Path) -> None:
    (job,) = _prepare(pfs_home)

    numbers, plan = _plan(workers=2)
    for number in numbers:
        _work(number, plan)
    result = _finish(plan)

    assert numbers == [0, 1]
    assert plan["job"] == f"copy@{job}"
    assert result == [f"default/copy@{job}"]


def test_with_nothing_to_do_no_task_is_mapped_and_the_group_ends_well(pfs_home: Path) -> None:
    _prepare(pfs_home, puts=0)

    numbers, plan = _plan()

    assert numbers == []
    assert plan["job"] is None
    assert _finish(plan) == []


def test_planned_again_it_is_the_same_job_for_as_many_tasks(pfs_home: Path) -> None:
    _prepare(pfs_home)

    (numbers, plan), (again, same) = _plan(workers=2), _plan(workers=2)

    assert (again, same["job"]) == (numbers, plan["job"])


def test_a_mapped_task_that_runs_twice_changes_nothing(pfs_home: Path) -> None:
    (job,) = _prepare(pfs_home)
    _, plan = _plan(workers=2)

    for number in (0, 0, 1, 0):
        _work(number, plan)

    assert _finish(plan) == [f"default/copy@{job}"]
    with Pfs(home=pfs_home) as pfs:
        info = pfs.inspect_job(f"copy@{job}")
        assert (info.processed, info.total) == (4, 4)


def test_one_task_does_what_another_that_failed_left(pfs_home: Path) -> None:
    (job,) = _prepare(pfs_home)
    _, plan = _plan(workers=2)

    _work(1, plan)

    assert _finish(plan) == [f"default/copy@{job}"]


def test_where_results_are_missing_the_job_fails_and_says_so(pfs_home: Path) -> None:
    (job,) = _prepare(pfs_home)
    _, plan = _plan(workers=2)

    with pytest.raises(AirflowFailException, match=rf"copy@{job} failure: . of . datum sets have"):
        _finish(plan)


def test_a_failed_datum_fails_the_job_for_good(pfs_home: Path) -> None:
    (job,) = _prepare(pfs_home, "echo no luck; exit 3", files=1)
    _, plan = _plan()
    _work(0, plan)

    with pytest.raises(AirflowFailException, match=rf"1 of 1 jobs.*copy@{job} failure: "):
        _finish(plan)


def test_the_last_task_runs_the_other_ready_jobs_unless_told_not_to(pfs_home: Path) -> None:
    first, second, third = _prepare(pfs_home, files=1, puts=3)
    _, plan = _plan()
    _work(0, plan)

    assert _finish(plan, drain=False) == [f"default/copy@{first}"]
    _, plan = _plan()
    _work(0, plan)
    assert _finish(plan) == [f"default/copy@{second}", f"default/copy@{third}"]


def test_a_plan_that_failed_fails_the_last_task_too() -> None:
    with pytest.raises(AirflowException, match="nothing was planned"):
        _finish(None)


def test_a_job_that_was_stopped_is_not_worked_and_ends_the_group(pfs_home: Path) -> None:
    (job,) = _prepare(pfs_home)
    _, plan = _plan()
    with Pfs(home=pfs_home) as pfs:
        pfs.stop_job(f"copy@{job}")

    _work(0, plan)

    with pytest.raises(AirflowFailException, match="killed: stopped by a user"):
        _finish(plan)


def test_ended_without_work_on_kill_does_nothing() -> None:
    PfsWorkOperator(task_id="work", number=0, plan={}, **OF_GROUP).on_kill()
    PfsFinishOperator(task_id="finish", plan={}, **OF_GROUP).on_kill()


def test_workers_of_one_run_have_names_of_their_own() -> None:
    assert worker_name("airflow/dag/run/copy") == "airflow.dag.run.copy"

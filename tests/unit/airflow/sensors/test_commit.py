from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from pfs_provider.airflow.sensors.commit import PfsCommitSensor
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import task_context


def _put(home: Path) -> str:
    with Pfs(home=home) as pfs:
        pfs.create_repo("images")
        return pfs.put_file("images@master:/a", b"x").id


def _sensor(*, deferrable: bool = False) -> PfsCommitSensor:
    return PfsCommitSensor(task_id="wait", ref="images@master", deferrable=deferrable)


def test_it_is_done_when_the_branch_has_a_commit(pfs_home: Path) -> None:
    assert not _sensor().poke(task_context())

    commit = _put(pfs_home)

    context = task_context()
    assert _sensor().execute(context) == commit
    assert context["ti"].pushed == {"pfs_commit": f"images@{commit}"}


def test_deferred_it_waits_in_a_trigger_with_the_same_question() -> None:
    with pytest.raises(TaskDeferred) as deferred:
        _sensor(deferrable=True).execute(task_context())

    path, kwargs = deferred.value.trigger.serialize()
    assert path == "pfs_provider.airflow.triggers.states.CommitStateTrigger"
    assert kwargs["ref"] == "images@master"
    assert deferred.value.timeout is not None


def test_deferred_it_does_not_wait_for_what_is_there(pfs_home: Path) -> None:
    commit = _put(pfs_home)

    assert _sensor(deferrable=True).execute(task_context()) == commit


def test_the_trigger_s_answer_becomes_the_result() -> None:
    context = task_context()

    assert _sensor().resume(context, {"id": "c" * 32}) == "c" * 32
    assert context["ti"].pushed == {"pfs_commit": f"images@{'c' * 32}"}
    with pytest.raises(AirflowFailException, match="damaged"):
        _sensor().resume(context, {"error": "damaged"})

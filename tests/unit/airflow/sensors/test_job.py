from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from pfs_provider.airflow.sensors.job import PfsJobSensor
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import task_context
from tests.unit.airflow.test_checks import copy_spec


def _job(home: Path) -> str:
    with Pfs(home=home) as pfs:
        pfs.create_repo("images")
        pfs.create_pipeline(copy_spec())
        return f"copy@{pfs.put_file('images@master:/a', b'x').id}"


def test_a_job_in_work_is_waited_for(pfs_home: Path) -> None:
    sensor = PfsJobSensor(task_id="wait", job=_job(pfs_home), deferrable=True)
    context = task_context()

    assert not sensor.poke(context)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute(context)

    assert deferred.value.trigger.serialize()[1]["ref"] == sensor.job
    assert context["ti"].pushed == {"pfs_job": sensor.job}


def test_a_job_that_did_not_end_well_fails_the_task_for_good(pfs_home: Path) -> None:
    job = _job(pfs_home)
    with Pfs(home=pfs_home) as pfs:
        pfs.stop_job(job)

    with pytest.raises(AirflowFailException, match="ended as killed"):
        PfsJobSensor(task_id="wait", job=job).poke(task_context())


def test_the_trigger_s_answer_becomes_the_result() -> None:
    sensor = PfsJobSensor(task_id="wait", job="copy@" + "c" * 32)

    assert sensor.resume(task_context(), {"id": "c" * 32}) == "c" * 32
    with pytest.raises(AirflowFailException, match="failed"):
        sensor.resume(task_context(), {"error": "failed"})

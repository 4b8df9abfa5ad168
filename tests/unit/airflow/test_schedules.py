from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import (
    AssetAny,
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    DeltaTriggerTimetable,
    MultipleCronTriggerTimetable,
)

from pfs_provider.airflow.schedules import input_schedule
from pfs_provider.errors import RefusedError
from pfs_provider.refs.addresses import parse_branch


def _schedule(*branches: str, crons: tuple[str, ...] = ()) -> Any:
    return input_schedule([parse_branch(text) for text in branches], crons, pfs_conn_id="c")


def test_any_of_several_inputs_starts_a_run() -> None:
    schedule = _schedule("images@master", "lab/labels@v1", "images@master")
    uris = [asset.uri for asset in schedule.objects]

    assert isinstance(schedule, AssetAny)
    assert uris == ["pfs://images/master", "pfs://lab.labels/v1"]


def test_one_input_is_watched_through_the_connection() -> None:
    (asset,) = _schedule("images@master")

    assert asset.watchers[0].trigger.serialize()[1]["pfs_conn_id"] == "c"


def test_without_inputs_a_dag_is_started_by_hand() -> None:
    assert _schedule() is None


@pytest.mark.parametrize(
    ("crons", "kind"),
    [
        (("@daily",), CronTriggerTimetable),
        (("0 6 * * *", "0 18 * * *"), MultipleCronTriggerTimetable),
        (("@every 1h30m",), DeltaTriggerTimetable),
    ],
    ids=["one", "two", "every"],
)
def test_clocks_become_airflow_s(crons: tuple[str, ...], kind: type) -> None:
    assert isinstance(_schedule(crons=crons), kind)


def test_a_length_of_time_is_read_as_the_spec_means_it() -> None:
    assert _schedule(crons=("@every 1h30m",)).delta == timedelta(minutes=90)


def test_a_clock_and_an_input_both_start_runs() -> None:
    schedule = _schedule("images@master", crons=("@daily",))

    assert isinstance(schedule, AssetOrTimeSchedule)
    assert isinstance(schedule.timetable, CronTriggerTimetable)


def test_clocks_that_do_not_go_together_are_named() -> None:
    with pytest.raises(RefusedError, match=r"0 6 \* \* \*, @every 10m"):
        _schedule(crons=("@every 10m", "0 6 * * *"))

"""When a DAG of pipelines runs: when something lands on an input, or an input's clock ticks.

Must not know: what the DAG does.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from airflow.sdk import (
    Asset,
    AssetAny,
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    DeltaTriggerTimetable,
    MultipleCronTriggerTimetable,
)

from pfs_provider.airflow.assets import pfs_asset
from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.names import BranchKey

__all__ = ["input_schedule"]

EVERY = "@every "
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def input_schedule(branches: Iterable[BranchKey], crons: Iterable[str], *, pfs_conn_id: str) -> Any:
    """Return the ``schedule`` of a DAG; None if nothing makes it run by itself.

    Args:
        branches: Run when something lands on one of them.
        crons: Run at each tick of one of these expressions, as checked in a spec.
        pfs_conn_id: The Airflow connection whose catalog is watched.

    Raises:
        RefusedError: ``spec-illegal``: clocks that Airflow cannot tell in one DAG.
    """
    assets = [_asset(branch, pfs_conn_id) for branch in sorted(set(branches))]
    timetable = _timetable(sorted(set(crons)))
    if timetable is None:
        return AssetAny(*assets) if len(assets) > 1 else assets or None
    return (
        AssetOrTimeSchedule(timetable=timetable, assets=AssetAny(*assets)) if assets else timetable
    )


def _asset(branch: BranchKey, pfs_conn_id: str) -> Asset:
    project = branch.repo.project
    return pfs_asset(branch.repo.name, branch.name, project=project, pfs_conn_id=pfs_conn_id)


def _timetable(crons: list[str]) -> Any:
    if not crons:
        return None
    if len(crons) == 1 and crons[0].startswith(EVERY):
        return DeltaTriggerTimetable(_duration(crons[0].removeprefix(EVERY)))
    if any(cron.startswith(EVERY) for cron in crons):
        raise RefusedError(
            ErrorCode.SPEC_ILLEGAL,
            f"one DAG cannot follow these clocks together: {', '.join(crons)}; write them all as "
            "five fields, make a DAG per pipeline, or give a schedule",
        )
    if len(crons) == 1:
        return CronTriggerTimetable(crons[0], timezone="UTC")
    return MultipleCronTriggerTimetable(*crons, timezone="UTC")


def _duration(text: str) -> timedelta:
    parts = re.findall(r"([0-9.]+)(ns|us|µs|ms|s|m|h)", text)
    return timedelta(seconds=sum(float(number) * UNITS[unit] for number, unit in parts))

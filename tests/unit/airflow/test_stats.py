from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk._shared.observability.metrics.base_stats_logger import NoStatsLogger
from airflow.sdk.observability import stats

from pfs_provider.airflow.stats import count_jobs
from pfs_provider.infos import JobInfo

NOW = datetime(2026, 11, 21, tzinfo=UTC)


class Recorder(NoStatsLogger):
    """A backend of Airflow's metrics that remembers."""

    told: list[tuple[str, int, dict[str, Any]]]

    def incr(self, stat: str, count: int = 1, rate: float = 1, *, tags: Any = None) -> None:  # type: ignore[override] # Airflow's has no defaults in its type
        self.told.append((stat, count, tags))


@pytest.fixture
def told() -> Iterator[list[tuple[str, int, dict[str, Any]]]]:
    recorder = Recorder()
    recorder.told = []
    stats.initialize(factory=lambda: recorder, export_legacy_names=False)
    yield recorder.told
    stats.initialize(factory=NoStatsLogger, export_legacy_names=False)


def test_jobs_and_their_datums_are_counted_through_airflow(
    told: list[tuple[str, int, dict[str, Any]]],
) -> None:
    job = JobInfo(
        id="a" * 32, project="lab", pipeline="edges", version=2, output_commit="x", reason="",
        state="success", created=NOW, started=NOW, finished=NOW,
        total=5, processed=2, skipped=3, recovered=0, failed=0,
    )  # fmt: skip

    count_jobs([job])

    name = {"project": "lab", "pipeline": "edges"}
    assert told == [
        ("pfs.jobs", 1, name | {"state": "success"}),
        ("pfs.datums", 2, name | {"result": "processed"}),
        ("pfs.datums", 3, name | {"result": "skipped"}),
    ]

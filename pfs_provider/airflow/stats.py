"""What the provider counts through Airflow's own metrics (StatsD or OpenTelemetry).

Must not know: where Airflow sends them. Names and meanings: docs/how-to/metrics.md.
"""

from typing import TYPE_CHECKING

from airflow.sdk.observability import stats

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pfs_provider.infos import JobInfo

__all__ = ["count_jobs"]

RESULTS = ("processed", "skipped", "recovered", "failed")


def count_jobs(jobs: "Iterable[JobInfo]") -> None:
    """Count jobs that have ended, and their datums."""
    for job in jobs:
        name = {"project": job.project, "pipeline": job.pipeline}
        stats.incr("pfs.jobs", tags=name | {"state": job.state})
        for result in RESULTS:
            count: int = getattr(job, result)
            if count:
                stats.incr("pfs.datums", count, tags=name | {"result": result})

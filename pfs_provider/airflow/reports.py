"""How a task that ran jobs ends: their output commits as its result, or their reasons.

Must not know: who ran the jobs, or where.
"""

from typing import TYPE_CHECKING

import structlog
from airflow.sdk.exceptions import AirflowFailException

from pfs_provider.airflow.lineage import note_jobs
from pfs_provider.airflow.links import COMMIT_XCOM, JOB_XCOM, tell
from pfs_provider.airflow.progress import job_reference
from pfs_provider.airflow.stats import count_jobs
from pfs_provider.airflow.tails import failed_tails
from pfs_provider.logs import job_fields, job_text

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    from pfs_provider.infos import JobInfo
    from pfs_provider.pfs import Pfs

__all__ = ["report_jobs"]

_log = structlog.get_logger("pfs_provider.jobs")
"""Airflow drops the fields of records that come through the standard library's logging."""


def report_jobs(
    operator: "BaseOperator", context: "Context", pfs: "Pfs", jobs: "list[JobInfo]"
) -> list[str]:
    """Return the output commits of jobs, ``project/repo@id``, in their order.

    The newest commit and job become the task's links, all of them its lineage; what failed datums
    said goes to its log.

    Args:
        operator: The task.
        context: Its context.
        pfs: Where the jobs are.
        jobs: Those that ended, oldest first.

    Raises:
        AirflowFailException: One did not succeed. A retry would not meet it again.
    """
    note_jobs(operator, pfs, jobs)
    count_jobs(jobs)
    for job in jobs:
        _log.info(job_text(job), **job_fields(job))
    done = [job.output_commit for job in jobs if job.state == "success"]
    bad = [job for job in jobs if job.state != "success"]
    if jobs:
        tell(operator, context, JOB_XCOM, job_reference((bad or jobs)[-1]))
    if done:
        tell(operator, context, COMMIT_XCOM, done[-1])
    for job in bad:
        for text in failed_tails(pfs, job):
            operator.log.error("%s", text)
    if bad:
        reasons = "; ".join(f"{job_reference(job)} {job.state}: {job.reason}" for job in bad)
        raise AirflowFailException(f"{len(bad)} of {len(jobs)} jobs did not succeed: {reasons}")
    return done

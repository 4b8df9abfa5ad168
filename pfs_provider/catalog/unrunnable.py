"""Jobs that cannot be run because of how another ended.

Must not know: how an end is passed on (settling.py).
"""

from sqlalchemy import select

from pfs_provider.catalog.job_rows import job_values
from pfs_provider.catalog.tables import jobs
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Job

__all__ = ["list_made_unrunnable"]


def list_made_unrunnable(tx: Tx, ended: Job) -> tuple[Job, ...]:
    """Return the jobs that became unrunnable when that one ended, oldest first."""
    if ended.finished is None:
        return ()
    # They end in the same act, and time is the transaction's.
    query = select(jobs).where(jobs.c.state == "unrunnable", jobs.c.finished == ended.finished)
    return job_values(tx, tx.all(query.order_by(jobs.c.number)))

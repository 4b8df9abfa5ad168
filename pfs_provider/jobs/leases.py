"""Keeping a job's lease while planning, waiting and finishing take their time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.errors import ConflictError, NotFoundError, PfsError
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef

__all__ = ["keep_lease"]

RENEWALS_PER_LEASE = 4


@contextmanager
def keep_lease(
    jobs: Jobs, ref: JobRef, owner: str, on_renewal: Callable[[], None] | None = None
) -> Iterator[threading.Event]:
    """Renew a job's lease in the background until the block ends.

    ``on_renewal`` is called after each, from a thread of its own.

    Yields:
        An event that is set when the lease is lost: another owner has the job, or it was stopped.
    """
    done, lost = threading.Event(), threading.Event()

    def renew() -> None:
        while not done.wait(jobs.lease_s / RENEWALS_PER_LEASE):
            try:
                with jobs.versions.catalog.write() as tx:
                    job_rows.renew_lease(
                        tx, ref.pipeline, ref.id, owner=owner, lease_s=jobs.lease_s
                    )
            except (ConflictError, NotFoundError):
                lost.set()
                return
            except PfsError:
                continue  # a catalog that does not answer gives the job to nobody else either
            if on_renewal is not None:
                on_renewal()

    thread = threading.Thread(target=renew, name=f"lease-{ref}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        done.set()
        thread.join()

"""Restarting a datum whose user code runs: the wish is left in the store, where its worker looks.

Invariants: a wish is answered or taken back, so that none meets a later run of the datum; asking
changes nothing but user code that runs now. Must not know: workers, how user code is ended.
"""

from collections.abc import Iterator

from pfs_provider.catalog.values import Job
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError
from pfs_provider.infos import DatumInfo
from pfs_provider.jobs.datum_choice import DatumChoice
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.inspection import get_job, list_datums
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.queue import read_plan

__all__ = ["restart_datums"]

POLL_S = 0.2
PATIENCE = 0.5
"""Part of a lease that an answer may take: a worker looks eight times in one."""


def restart_datums(jobs: Jobs, ref: JobRef, choice: DatumChoice) -> list[DatumInfo]:
    """End the user code of chosen datums and have it begin again; return those that do.

    A try that is ended so does not count. Waits until the workers have heard.

    Raises:
        NotFoundError: ``job-not-found``, or ``datum-not-found``: the job has none such.
        ConflictError: ``job-finished``: it has ended; ``datum-not-running``: no worker is at one of
            them. Nothing was done.
    """
    job = _get_active(jobs, ref)
    if read_plan(jobs.objects, ref) is None:
        raise ConflictError(
            ErrorCode.DATUM_NOT_RUNNING,
            f"no datum of job {ref} runs now: the job is {job.state} and has no plan yet",
            job=str(ref),
            states=[],
        )
    found = [datum for datum in list_datums(jobs, ref) if choice.has(datum)]
    if not found:
        raise NotFoundError(
            ErrorCode.DATUM_NOT_FOUND,
            f"job {ref} has no {choice}: pfs list datum {ref} shows its datums",
            job=str(ref),
            datum=choice.datum or "",
        )
    waiting = [datum for datum in found if datum.state == "starting"]
    restarted = _ask(jobs, ref, waiting)
    if not restarted:
        _get_active(jobs, ref)
        raise _not_running(ref, choice, found)
    return restarted


def _ask(jobs: Jobs, ref: JobRef, datums: list[DatumInfo]) -> list[DatumInfo]:
    """Leave the wishes, wait, take back those that nobody took; return those that were taken."""
    keys = {ref.restart(datum.id): datum for datum in datums}
    for key in keys:
        jobs.objects.replace(key, b"")
    until = jobs.clock.monotonic() + jobs.lease_s * PATIENCE
    left = set(keys)
    while left and jobs.clock.monotonic() < until:
        jobs.clock.sleep(POLL_S)
        left &= set(_list_wishes(jobs, ref))
    if left:
        jobs.objects.delete(left)
    return [datum for key, datum in keys.items() if key not in left]


def _list_wishes(jobs: Jobs, ref: JobRef) -> Iterator[str]:
    return (info.key for info in jobs.objects.list(ref.restart("")))


def _get_active(jobs: Jobs, ref: JobRef) -> Job:
    job = get_job(jobs, ref)
    if job.has_ended:
        raise ConflictError(
            ErrorCode.JOB_FINISHED,
            f"job {ref} has ended already: {job.state}",
            id=ref.id,
            state=job.state,
        )
    return job


def _not_running(ref: JobRef, choice: DatumChoice, found: list[DatumInfo]) -> ConflictError:
    states = sorted({datum.state for datum in found})
    why = "no worker is at it" if states == ["starting"] else f"it is {' or '.join(states)}"
    return ConflictError(
        ErrorCode.DATUM_NOT_RUNNING,
        f"{choice} of job {ref} does not run now: {why}. `pfs list datum {ref}` shows its datums",
        job=str(ref),
        states=states,
    )

"""A job's last step: its output goes where the spec's ``egress`` says, before it is a success.

Invariants: it is repeated, with pauses, until it has worked or its patience is over; a failed
egress fails the job, whose output commit then has an error. The job is kept while it lasts,
whoever finishes it. Messages never hold a password.
Must not know: how it is sent (sender.py).
"""

import re
import threading
from contextlib import nullcontext

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog.values import Job
from pfs_provider.errors import (
    ConflictError,
    CorruptDataError,
    ErrorCode,
    RefusedError,
    UnavailableError,
    UnknownOutcomeError,
)
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.leases import keep_lease
from pfs_provider.jobs.plan import load_spec
from pfs_provider.spec.model import Egress, PipelineSpec
from pfs_provider.storage.values import TreeRef

__all__ = ["send_output", "shown_target"]

FIRST_PAUSE_S = 0.5
MAX_PAUSE_S = 30.0
HOPELESS = frozenset({ErrorCode.EXTRA_MISSING, ErrorCode.STORE_UNFIT})
"""Unavailable, and as much so the next time."""


def send_output(jobs: Jobs, job: Job, tree: TreeRef) -> str | None:
    """Send a job's output to its egress, if it has one; return why that failed for good.

    Raises:
        ConflictError: ``job-finished``: it was ended meanwhile; ``lease-lost``: somebody else
            runs it by now.
    """
    spec = load_spec(jobs, job)[0]
    if spec.egress is None:
        return None
    if jobs.sender is None:
        return _failed(spec.egress, "nothing here can send it")
    ref = JobRef(job.pipeline, job.id)
    with jobs.versions.catalog.write() as tx:
        job_rows.set_job_state(tx, ref.pipeline, ref.id, "egressing")
    owner = job.owner
    with nullcontext(threading.Event()) if owner is None else keep_lease(jobs, ref, owner) as lost:
        return _try_often(jobs, ref, spec, tree, lost)


def shown_target(egress: Egress) -> str:
    """Return where an egress goes to, for people: without password and options."""
    url = egress.url if egress.sql_database is None else egress.sql_database.url
    plain = url.partition("?")[0]
    return re.sub(r"(://[^/@:]*):.*@", r"\1:***@", plain)


def _try_often(
    jobs: Jobs, ref: JobRef, spec: PipelineSpec, tree: TreeRef, lost: threading.Event
) -> str | None:
    egress, sender, clock = spec.egress, jobs.sender, jobs.clock
    assert egress is not None  # noqa: S101 both were looked at by the only caller
    assert sender is not None  # noqa: S101
    until = clock.monotonic() + jobs.egress_patience_s
    pause = FIRST_PAUSE_S
    while True:
        try:
            sender.send(egress, jobs.storage, tree, lambda: _check(ref, lost))
        except (RefusedError, CorruptDataError) as error:
            return _failed(egress, f"{error}")
        except (UnavailableError, UnknownOutcomeError) as error:
            if error.code in HOPELESS or clock.monotonic() + pause > until:
                return _failed(egress, f"{error}")
            _note(jobs, ref, spec, _failed(egress, f"{error}; it is tried again"))
        else:
            return None
        lost.wait(pause)
        _check(ref, lost)
        pause = min(2 * pause, MAX_PAUSE_S)


def _check(ref: JobRef, lost: threading.Event) -> None:
    if lost.is_set():
        raise ConflictError(
            ErrorCode.LEASE_LOST, f"{ref} has ended, or is run by another by now", job=str(ref)
        )


def _note(jobs: Jobs, ref: JobRef, spec: PipelineSpec, reason: str) -> None:
    """Let the job say what it waits for, and end one that had its time. Raises ConflictError."""
    with jobs.versions.catalog.write() as tx:
        job = job_rows.set_job_state(
            tx, ref.pipeline, ref.id, "egressing", expected=("egressing",), reason=reason
        )
        if spec.job_timeout_s is not None and job.started is not None:
            worked_s = (tx.now - job.started).total_seconds()
            if worked_s > spec.job_timeout_s:
                why = f"the job ran longer than job_timeout ({spec.job_timeout_s} s); {reason}"
                job = job_rows.stop_job(tx, ref.pipeline, ref.id, reason=why)
    if job.has_ended:
        raise ConflictError(ErrorCode.JOB_FINISHED, f"{ref} has ended: {job.state}", job=str(ref))


def _failed(egress: Egress, why: str) -> str:
    return f"egress to {shown_target(egress)} failed: {why}"

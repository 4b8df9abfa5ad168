"""Jobs: claim, renew, change, finish, stop, list.

Invariants: a job is handed out only when all it reads is finished without error and the output it
builds upon has ended; one owner at a time, until the lease ends; an ended job never changes again,
but that one which was cut short learns what its workers had done; its counts add up; ending a job
and its output commit is one act, with all that it decides downstream.
Must not know: what a plan or a manifest says.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import Update, select, update

from pfs_provider.catalog.commit_rows import fetch_commit
from pfs_provider.catalog.history import base_commit, is_on_branch
from pfs_provider.catalog.job_rows import (
    count_columns,
    job_values,
    select_claimable,
    select_job,
)
from pfs_provider.catalog.keys import pipeline_key, pipeline_text
from pfs_provider.catalog.settling import NO_TREE, end_job, settle_commit
from pfs_provider.catalog.tables import IS_ACTIVE, jobs
from pfs_provider.catalog.transaction import Killed, Tx
from pfs_provider.catalog.triggers import fire_triggers
from pfs_provider.catalog.values import Commit, Counts, Job, JobState, PipelineKind
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, RefusedError
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import PipelineKey

__all__ = [
    "claim_job",
    "find_job",
    "finish_job",
    "get_job",
    "kill_jobs",
    "list_jobs",
    "list_ready",
    "previous_job",
    "recount_job",
    "release_job",
    "renew_lease",
    "set_job_state",
    "stop_job",
]


def find_job(tx: Tx, pipeline: PipelineKey, id_: CommitId) -> Job | None:
    """Return the job of a pipeline in a change, None if there is none."""
    found = job_values(tx, tx.all(select_job(pipeline, id_)))
    return found[0] if found else None


def get_job(tx: Tx, pipeline: PipelineKey, id_: CommitId) -> Job:
    """Return the job of a pipeline in a change. Raises NotFoundError ``job-not-found``."""
    found = find_job(tx, pipeline, id_)
    if found is None:
        raise NotFoundError(
            ErrorCode.JOB_NOT_FOUND,
            f"job {pipeline}@{id_} does not exist: see `pfs list job -p {pipeline}`",
            pipeline=str(pipeline),
            id=id_,
        )
    return found


def list_jobs(
    tx: Tx,
    pipeline: PipelineKey | None = None,
    *,
    states: Sequence[JobState] | None = None,
    limit: int | None = None,
) -> tuple[Job, ...]:
    """Return jobs, newest first, of one pipeline or of all, in these states or in any."""
    query = select(jobs).order_by(jobs.c.number.desc()).limit(limit)
    if pipeline is not None:
        query = query.where(jobs.c.pipeline == pipeline_text(pipeline))
    if states is not None:
        query = query.where(jobs.c.state.in_(states))
    return job_values(tx, tx.all(query))


def list_ready(
    tx: Tx, pipeline: PipelineKey | None = None, *, kind: PipelineKind = "transform"
) -> tuple[Job, ...]:
    """Return the jobs that a new owner could claim now, oldest first."""
    query = select_claimable(tx, owner=None, kind=kind).order_by(jobs.c.number)
    if pipeline is not None:
        query = query.where(jobs.c.pipeline == pipeline_text(pipeline))
    return job_values(tx, tx.all(query))


def claim_job(
    tx: Tx,
    *,
    owner: str,
    lease_s: float,
    pipeline: PipelineKey | None = None,
    job: CommitId | None = None,
    kind: PipelineKind = "transform",
) -> Job | None:
    """Hand a job to an owner for ``lease_s`` seconds and set it running.

    In this order: the job that the owner holds already (a retry resumes), then the oldest that is
    ready or whose owner's lease ran out. Jobs of one pipeline are handed out one after the other.

    Args:
        tx: The transaction.
        owner: Whoever claims, the same word at a retry.
        lease_s: Seconds until others may have it, unless renewed.
        pipeline: Only jobs of this one.
        job: Only jobs of this change.
        kind: Only jobs of such pipelines.

    Returns:
        The job, None if there is nothing to do.

    Raises:
        NotFoundError: ``job-not-found``: ``pipeline`` and ``job`` name none.
        ConflictError: ``pipeline`` and ``job`` name one that cannot be had: ``job-taken`` by
            another owner, ``job-not-ready``, or ``job-finished``.
    """
    query = select_claimable(tx, owner=owner, kind=kind)
    if pipeline is not None:
        query = query.where(jobs.c.pipeline == pipeline_text(pipeline))
    if job is not None:
        query = query.where(jobs.c.id == job)
    row = tx.first(
        query.order_by((jobs.c.owner == owner).desc().nulls_last(), jobs.c.number).limit(1)
    )
    if row is None:
        if pipeline is not None and job is not None:
            raise _why_not(get_job(tx, pipeline, job))
        return None
    tx.run(
        update(jobs)
        .where(jobs.c.pipeline == row.pipeline, jobs.c.id == row.id)
        .values(
            owner=owner,
            lease_until=tx.now + timedelta(seconds=lease_s),
            state="running" if row.state == "starting" else row.state,
            started=row.started or tx.now,
        )
    )
    if row.state == "starting":
        tx.add_event("job-changed", pipeline_key(row.pipeline), commit=row.id, state="running")
    return get_job(tx, pipeline_key(row.pipeline), row.id)


def _why_not(job: Job) -> ConflictError:
    if job.has_ended:
        return _ended(job)
    if job.owner is not None:
        return ConflictError(
            ErrorCode.JOB_TAKEN,
            f"job {job.pipeline}@{job.id} is held by {job.owner} until {job.lease_until}",
            owner=job.owner,
        )
    return ConflictError(
        ErrorCode.JOB_NOT_READY,
        f"job {job.pipeline}@{job.id} is not ready: an input or the job before it is not finished",
        id=job.id,
    )


def _ended(job: Job) -> ConflictError:
    return ConflictError(
        ErrorCode.JOB_FINISHED,
        f"job {job.pipeline}@{job.id} has ended already: {job.state}",
        id=job.id,
        state=job.state,
    )


def renew_lease(tx: Tx, pipeline: PipelineKey, id_: CommitId, *, owner: str, lease_s: float) -> Job:
    """Prolong an owner's claim, from now on. Raises as ``claim_job`` if it is not held any more."""
    job = _held(tx, pipeline, id_, owner=owner)
    until = tx.now + timedelta(seconds=lease_s)
    tx.run(_update(job).values(lease_until=until))
    return get_job(tx, pipeline, id_)


def release_job(
    tx: Tx, pipeline: PipelineKey, id_: CommitId, *, owner: str, reason: str = ""
) -> Job:
    """Give a job back unfinished: it is ready again. Harmless if it is not held any more.

    Args:
        tx: The transaction.
        pipeline: The job's pipeline.
        id_: The job's id.
        owner: Who holds it.
        reason: Why it could not be run now, shown until somebody runs it.
    """
    job = get_job(tx, pipeline, id_)
    if job.owner != owner or job.has_ended:
        return job
    tx.run(_update(job).values(owner=None, lease_until=None, state="starting", reason=reason))
    if job.state != "starting":
        tx.add_event("job-changed", pipeline, commit=id_, state="starting")
    return get_job(tx, pipeline, id_)


def _held(tx: Tx, pipeline: PipelineKey, id_: CommitId, *, owner: str) -> Job:
    job = get_job(tx, pipeline, id_)
    if job.has_ended or job.owner != owner:
        raise _why_not(job)
    return job


def _update(job: Job) -> Update:
    text = pipeline_text(job.pipeline)
    return update(jobs).where(jobs.c.pipeline == text, jobs.c.id == job.id)


def set_job_state(  # noqa: PLR0913 each is one fact of a job
    tx: Tx,
    pipeline: PipelineKey,
    id_: CommitId,
    state: Literal["starting", "running", "egressing", "finishing"],
    *,
    expected: Sequence[JobState] = ("starting", "running", "egressing", "finishing"),
    reason: str | None = None,
    counts: Counts | None = None,
    plan: str | None = None,
    manifest: str | None = None,
) -> Job:
    """Record how far a job is. What is None stays as it is.

    Args:
        tx: The transaction.
        pipeline: The job's pipeline.
        id_: The job's id.
        state: Where it is now; ends are for ``finish_job`` and ``stop_job``.
        expected: Where it may have been before.
        reason: Why.
        counts: Datums by outcome so far.
        plan: Name of its plan in the store.
        manifest: Name of its manifest in the store.

    Raises:
        NotFoundError: ``job-not-found``.
        ConflictError: ``job-finished``, or ``job-not-ready``: its state is not expected.
    """
    job = get_job(tx, pipeline, id_)
    if job.has_ended:
        raise _ended(job)
    if job.state not in expected:
        raise ConflictError(
            ErrorCode.JOB_NOT_READY,
            f"job {pipeline}@{id_} is {job.state}, not {' or '.join(expected)}",
            id=id_,
            state=job.state,
        )
    said = {"reason": reason, "plan": plan, "manifest": manifest, **count_columns(counts)}
    values = {name: value for name, value in said.items() if value is not None}
    started = job.started or (tx.now if state != "starting" else None)
    tx.run(_update(job).values(state=state, started=started, **values))
    if state != job.state:
        tx.add_event("job-changed", pipeline, commit=id_, state=state)
    return get_job(tx, pipeline, id_)


def finish_job(  # noqa: PLR0913 each is one fact of a job or its commit
    tx: Tx,
    pipeline: PipelineKey,
    id_: CommitId,
    *,
    state: Literal["success", "failure", "killed"],
    reason: str = "",
    counts: Counts,
    tree: str,
    n_files: int,
    size: int,
    manifest: str | None = None,
) -> Job:
    """End a job and its output commit, and ready or end what is downstream, in one act.

    Idempotent: the same end again is harmless.

    Args:
        tx: The transaction.
        pipeline: The job's pipeline.
        id_: The job's id.
        state: How it ended. All but ``success`` end the commit with an error.
        reason: Why; the commit's error.
        counts: Datums by outcome; all have one.
        tree: Text of the output tree.
        n_files: Files in it.
        size: Bytes in it.
        manifest: Name of the job's manifest in the store.

    Raises:
        NotFoundError: ``job-not-found``.
        ConflictError: ``job-finished``: it ended another way, for instance killed;
            ``job-not-ready``: its inputs are not finished.
        RefusedError: ``job-failed``: the counts do not add up.
    """
    job = get_job(tx, pipeline, id_)
    if job.has_ended:
        if job.state == state and (state != "success" or _tree(tx, job) == tree):
            return job
        raise _ended(job)
    if job.state == "created":
        raise _why_not(job)
    _check_counts(pipeline, id_, counts)
    columns: dict[str, Any] = {"reason": reason, **count_columns(counts)}
    if manifest is not None:
        columns["manifest"] = manifest
    end_job(tx, pipeline_text(pipeline), id_, state=state, columns=columns)
    settle_commit(
        tx,
        job.output,
        id_,
        error=None if state == "success" else (reason or f"job {pipeline}@{id_}: {state}"),
        columns={"tree": tree, "n_files": n_files, "size": size},
    )
    commit = _output(tx, job)
    if state == "success" and commit is not None and is_on_branch(tx, job.output, commit):
        fire_triggers(tx, job.output, id_)  # not where chosen commits were run (replay.py)
    return get_job(tx, pipeline, id_)


def _tree(tx: Tx, job: Job) -> str | None:
    commit = _output(tx, job)
    return None if commit is None else commit.tree


def _output(tx: Tx, job: Job) -> Commit | None:
    return fetch_commit(tx, job.output.repo, job.id)


def stop_job(
    tx: Tx, pipeline: PipelineKey, id_: CommitId, *, reason: str = "stopped by a user"
) -> Job:
    """Kill a job: its output commit ends with an error. Harmless if it was killed already.

    Raises:
        NotFoundError: ``job-not-found``.
        ConflictError: ``job-finished``: it ended another way.
    """
    job = get_job(tx, pipeline, id_)
    if job.state == "killed":
        return job
    if job.has_ended:
        raise _ended(job)
    _kill(tx, job, reason=reason)
    return get_job(tx, pipeline, id_)


def kill_jobs(tx: Tx, pipeline: PipelineKey, *, reason: str) -> int:
    """Kill all jobs of a pipeline that have not ended; return how many there were."""
    query = select(jobs).where(jobs.c.pipeline == pipeline_text(pipeline), IS_ACTIVE)
    found = job_values(tx, tx.all(query.order_by(jobs.c.number)))
    for job in found:
        _kill(tx, job, reason=reason)
    return len(found)


def _kill(tx: Tx, job: Job, *, reason: str) -> None:
    tx.killed.append(Killed(job.pipeline, job.id, reason))
    end_job(tx, pipeline_text(job.pipeline), job.id, state="killed", columns={"reason": reason})
    settle_commit(tx, job.output, job.id, error=f"job killed: {reason}", columns=NO_TREE)


def recount_job(tx: Tx, pipeline: PipelineKey, id_: CommitId, counts: Counts) -> Job:
    """Record what the workers of a job had done when it was cut short.

    Any other job stays as it is: one that goes on, or whose results were all read.

    Raises:
        NotFoundError: ``job-not-found``.
        RefusedError: ``job-failed``: the counts do not add up.
    """
    _check_counts(pipeline, id_, counts)
    job = get_job(tx, pipeline, id_)
    if not job.has_ended or job.manifest is not None or job.counts == counts:
        return job
    tx.run(_update(job).values(**count_columns(counts)))
    return get_job(tx, pipeline, id_)


def _check_counts(pipeline: PipelineKey, id_: CommitId, counts: Counts) -> None:
    if not counts.is_complete:
        raise RefusedError(
            ErrorCode.JOB_FAILED, f"the counts of job {pipeline}@{id_} do not add up: {counts}"
        )


def previous_job(tx: Tx, pipeline: PipelineKey, before: CommitId) -> Job | None:
    """Return the successful job whose output the job of that id builds upon."""
    job = get_job(tx, pipeline, before)
    commit = _output(tx, job)
    base = None if commit is None else base_commit(tx, commit)
    return None if base is None else find_job(tx, pipeline, base.id)

"""Whose logs are meant: from a pipeline, a job, a datum, input files to jobs and their datums.

A datum's log lies with the job that ran it; a job that skipped it has none. So a pipeline means its
newest job that ran what is asked for. Must not know: what a log is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog import pipelines
from pfs_provider.catalog.values import Job
from pfs_provider.errors import ErrorCode, NotFoundError
from pfs_provider.jobs.datum_choice import DatumChoice
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.inspection import get_job, list_datums
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.log_parts import list_logs
from pfs_provider.refs.names import PipelineKey

__all__ = ["LogChoice", "select_logs"]

FEW_JOBS = 20
"""Looked at first: what is asked for is nearly always in the newest."""


@dataclass(frozen=True, slots=True)
class LogChoice:
    """A job, and which of its datums: None means all."""

    job: JobRef
    datums: frozenset[str] | None


def select_logs(
    jobs: Jobs,
    pipeline: PipelineKey | None,
    *,
    job: JobRef | None = None,
    datum: str | None = None,
    inputs: Sequence[str] = (),
    since: datetime | None = None,
) -> list[LogChoice]:
    """Return the jobs whose logs are meant, oldest first, at most one unless there is ``since``.

    Args:
        jobs: Where.
        pipeline: Of which pipeline; None means any.
        job: Of which job; then the pipeline does not count.
        datum: Of which datum.
        inputs: Of datums that have each of these files, ``[REPO:]/PATH``.
        since: Without a job: of all jobs that had not ended then.

    Raises:
        NotFoundError: ``pipeline-not-found``, ``job-not-found``; ``datum-not-found``: the job does
            not have such a datum, or did not run it.
        RefusedError: ``path-illegal``: an input is no path.
    """
    wanted = DatumChoice(datum=datum, inputs=inputs)
    if job is not None:
        get_job(jobs, job)
        found = _choose(jobs, job, wanted)
        if found is None:
            raise _not_found(jobs, [job], wanted)
        return [found]
    if since is not None:
        refs = [_ref(one) for one in _all_jobs(jobs, pipeline) if _was_at_work(one, since)]
        chosen = [found for ref in reversed(refs) if (found := _choose(jobs, ref, wanted))]
        if refs and not chosen:
            raise _not_found(jobs, refs, wanted)
        return chosen
    refs = []
    for one in _all_jobs(jobs, pipeline):
        refs.append(_ref(one))
        if (not one.has_ended or one.counts.total > one.counts.skipped) and (
            found := _choose(jobs, refs[-1], wanted)
        ):
            return [found]
    if wanted.is_all:
        return [LogChoice(refs[0], None)]
    raise _not_found(jobs, refs, wanted)


def _all_jobs(jobs: Jobs, pipeline: PipelineKey | None) -> Iterator[Job]:
    """Yield the jobs, newest first; at least one."""
    n_given = 0
    for limit in (FEW_JOBS, None):
        with jobs.versions.catalog.read() as tx:
            if pipeline is not None:
                pipelines.get_pipeline(tx, pipeline)
            found = job_rows.list_jobs(tx, pipeline, limit=limit)
        if not found:
            raise NotFoundError(
                ErrorCode.JOB_NOT_FOUND,
                f"{pipeline or 'any pipeline'} has no job yet: put a file into its input",
            )
        yield from found[n_given:]
        n_given = len(found)
        if n_given < FEW_JOBS:
            return


def _ref(job: Job) -> JobRef:
    return JobRef(job.pipeline, job.id)


def _was_at_work(job: Job, since: datetime) -> bool:
    return job.finished is None or job.finished >= since


def _choose(jobs: Jobs, ref: JobRef, wanted: DatumChoice) -> LogChoice | None:
    """Return what a job ran of what is wanted, None if it ran none of it."""
    if wanted.is_all:
        return LogChoice(ref, None)
    if wanted.datum is not None and not wanted.inputs:
        ids = {log.datum for log in list_logs(jobs.objects, ref, {wanted.datum})}
        if ids:  # no need to look through all datums
            return LogChoice(ref, frozenset(ids))
    found = frozenset(
        datum.id
        for datum in list_datums(jobs, ref)
        if datum.state != "skipped" and wanted.has(datum)
    )
    return LogChoice(ref, found) if found else None


def _not_found(jobs: Jobs, refs: Sequence[JobRef], wanted: DatumChoice) -> NotFoundError:
    newest = refs[0]
    if any(wanted.has(datum) for datum in list_datums(jobs, newest)):
        text = f"job {newest} skipped {wanted}: its log is with the job that ran it: pfs logs -p "
        text += f"{newest.pipeline} without --job and --since finds it"
    else:
        text = f"job {newest} has no {wanted}: pfs list datum {newest} shows its datums"
    return NotFoundError(ErrorCode.DATUM_NOT_FOUND, text, job=str(newest), datum=wanted.datum or "")

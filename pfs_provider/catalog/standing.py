"""Standing pipelines: those whose command is kept up, instead of being run for each datum.

Invariant: what is noted of one that was stopped or updated meanwhile changes nothing.
Must not know: how a command is kept up.
"""

from sqlalchemy import select

from pfs_provider.catalog.job_rows import job_values
from pfs_provider.catalog.keys import pipeline_key, pipeline_text
from pfs_provider.catalog.pipelines import find_pipeline, set_pipeline_state
from pfs_provider.catalog.tables import IS_ACTIVE, jobs, pipelines
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Job, PipelineKind, PipelineState
from pfs_provider.refs.names import PipelineKey

__all__ = ["find_newer_job", "list_standing", "note_standing"]


def list_standing(
    tx: Tx, key: PipelineKey | None = None, *, stopped: bool = False
) -> dict[PipelineKey, PipelineKind]:
    """Return the standing pipelines with their kinds, without those that are stopped.

    Args:
        tx: The transaction.
        key: Only this one, if it is one.
        stopped: Those that are stopped, too.
    """
    query = select(pipelines.c.key, pipelines.c.kind).where(pipelines.c.kind != "transform")
    if key is not None:
        query = query.where(pipelines.c.key == pipeline_text(key))
    if not stopped:
        query = query.where(pipelines.c.stopped.is_(False))
    return {pipeline_key(row.key): row.kind for row in tx.all(query)}


def find_newer_job(tx: Tx, job: Job) -> Job | None:
    """Return the newest job of the same pipeline that is ready and younger, None if none is."""
    query = select(jobs).where(
        jobs.c.pipeline == pipeline_text(job.pipeline),
        jobs.c.number > select(jobs.c.number).where(
            jobs.c.pipeline == pipeline_text(job.pipeline), jobs.c.id == job.id
        ).scalar_subquery(),
        jobs.c.state == "starting",
        IS_ACTIVE,
    )  # fmt: skip
    found = job_values(tx, tx.all(query.order_by(jobs.c.number.desc()).limit(1)))
    return found[0] if found else None


def note_standing(
    tx: Tx, key: PipelineKey, version: int, state: PipelineState, reason: str = ""
) -> bool:
    """Record how the command of a version is; return whether that version is to stand still."""
    found = find_pipeline(tx, key)
    if found is None or found.stopped or found.version != version or found.kind == "transform":
        return False
    if (found.state, found.reason) != (state, reason):
        set_pipeline_state(tx, key, state, reason=reason)
    return True

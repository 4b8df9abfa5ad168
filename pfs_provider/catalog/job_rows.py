"""Rows of jobs to values and back, and which of them can be handed out.

Must not know: what ending a job causes. Internal to the room.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, exists, insert, or_, select

from pfs_provider.catalog.commit_rows import pins_of
from pfs_provider.catalog.keys import branch_key, pipeline_key, pipeline_text
from pfs_provider.catalog.tables import IS_ACTIVE, commits, jobs, pipelines
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Counts, Job, PipelineKind
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import PipelineKey

__all__ = ["count_columns", "insert_job", "job_values", "select_claimable", "select_job"]

_CLAIMABLE = ("starting", "running", "egressing", "finishing")


def select_job(pipeline: PipelineKey, id_: CommitId) -> Select[Any]:
    """Return the query for the job of a pipeline in a change."""
    return select(jobs).where(jobs.c.pipeline == pipeline_text(pipeline), jobs.c.id == id_)


def insert_job(
    tx: Tx, pipeline: str, id_: CommitId, *, version: int, output: str, state: str
) -> None:
    """Add the job that makes an open output commit, with its first event."""
    number = tx.add_event("job-changed", pipeline_key(pipeline), commit=id_, state=state)
    tx.run(
        insert(jobs).values(
            pipeline=pipeline,
            id=id_,
            number=number,
            version=version,
            output=output,
            state=state,
            created=tx.now,
            reason="",
            **count_columns(Counts()),
        )
    )


def job_values(tx: Tx, rows: Sequence[Row[Any]]) -> tuple[Job, ...]:
    """Return the jobs of rows, in that order, with what they read."""
    # The output repo has the pipeline's name, so a job's key is its commit's too.
    pins = pins_of(tx, [(row.pipeline, row.id) for row in rows])
    return tuple(
        Job(
            pipeline=pipeline_key(row.pipeline),
            id=row.id,
            version=row.version,
            output=branch_key(row.output),
            state=row.state,
            reason=row.reason,
            created=row.created,
            started=row.started,
            finished=row.finished,
            counts=_counts(row._mapping),  # noqa: SLF001 a row's public way to its columns
            owner=row.owner,
            lease_until=row.lease_until,
            plan=row.plan,
            manifest=row.manifest,
            pins=tuple(pins.get((row.pipeline, row.id), ())),
        )
        for row in rows
    )


def _counts(row: Mapping[Any, Any]) -> Counts:
    return Counts(**{name: row[name] for name in Counts.__slots__})


def select_claimable(tx: Tx, *, owner: str | None, kind: PipelineKind = "transform") -> Select[Any]:
    """Return the query for jobs that are ready, or whose owner has gone, or is this one."""
    of_kind = jobs.c.pipeline.in_(select(pipelines.c.key).where(pipelines.c.kind == kind))
    mine = commits.alias("mine")
    parent = commits.alias("parent")
    base_is_open = (
        exists()
        .where(mine.c.repo == jobs.c.pipeline, mine.c.id == jobs.c.id)
        .where(parent.c.repo == mine.c.repo, parent.c.id == mine.c.parent)
        .where(parent.c.state.in_(("open", "finishing")))
    )
    free: ColumnElement[bool] = or_(jobs.c.owner.is_(None), jobs.c.lease_until < tx.now)
    if owner is not None:
        free = or_(free, jobs.c.owner == owner)
    return select(jobs).where(
        IS_ACTIVE, jobs.c.state.in_(_CLAIMABLE), and_(free, ~base_is_open), of_kind
    )


def count_columns(counts: Counts | None) -> dict[str, int]:
    """Return the columns of counts, none without them."""
    if counts is None:
        return {}
    return {name: getattr(counts, name) for name in Counts.__slots__}

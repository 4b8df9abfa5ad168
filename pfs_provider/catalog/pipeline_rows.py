"""Rows of pipelines and of their versions to values.

Invariant: a pipeline as of one of its versions says when that version was made, and how that
version's newest job is. Must not know: what a new version causes. Internal to the room.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, func, select

from pfs_provider.catalog.keys import branch_key, pipeline_key
from pfs_provider.catalog.tables import jobs, pipeline_versions, pipelines
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import JobState, Pipeline, PipelineInput

__all__ = ["pipeline_values", "select_versions"]


def select_versions(version: int | None = None, *, since: int | None = 0) -> Select[Any]:
    """Return the query that ``pipeline_values`` understands.

    Args:
        version: Only this one; None means the newest ones.
        since: How many versions before the newest are among them; None means all.
    """
    table = pipeline_versions
    query = select(
        pipelines,
        table.c.version.label("at_version"),
        table.c.spec,
        table.c.inputs,
        table.c.input_text,
        table.c.output.label("at_output"),
        table.c.created.label("at_created"),
    ).join(table, table.c.pipeline == pipelines.c.key)
    if version is not None:
        return query.where(table.c.version == version)
    if since is None:
        return query
    return query.where(table.c.version >= pipelines.c.version - since)


def pipeline_values(
    tx: Tx, rows: Sequence[Row[Any]], *, as_of_version: bool
) -> tuple[Pipeline, ...]:
    """Return the pipelines of rows, in that order: as they are, or as of each row's version."""
    last = _last_jobs(tx, [row.key for row in rows], of_versions=as_of_version)
    return tuple(
        Pipeline(
            key=pipeline_key(row.key),
            version=row.at_version,
            spec=row.spec,
            state=row.state,
            reason=row.reason,
            inputs=tuple(
                PipelineInput(name=name, branch=branch_key(branch), propagate=propagate)
                for name, branch, propagate in row.inputs
            ),
            input_text=row.input_text,
            output=branch_key(row.at_output),
            created=row.at_created if as_of_version else row.created,
            memo=row.memo,
            stopped=row.stopped,
            kind=row.kind,
            last_job=last.get((row.key, row.at_version if as_of_version else None)),
        )
        for row in rows
    )


def _last_jobs(
    tx: Tx, keys: Sequence[str], *, of_versions: bool
) -> dict[tuple[str, int | None], JobState]:
    groups = [jobs.c.pipeline, *([jobs.c.version] if of_versions else [])]
    newest = select(func.max(jobs.c.number)).where(jobs.c.pipeline.in_(set(keys))).group_by(*groups)
    query = select(jobs.c.pipeline, jobs.c.version, jobs.c.state)
    rows = tx.all(query.where(jobs.c.number.in_(newest)))
    return {(row.pipeline, row.version if of_versions else None): row.state for row in rows}

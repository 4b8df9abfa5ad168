"""Pipelines: create, update, stop, start, run again, delete.

Invariants: the output branch's provenance are the pipeline's inputs, while it is not stopped; every
version is kept; a new version kills what runs and opens a job at once.
Must not know: what a spec says (it is text here).

Source: semantics 5.3.
"""

from collections.abc import Sequence
from typing import Final, get_args

from sqlalchemy import delete, insert, select, update

from pfs_provider.catalog.branches import ensure_branch
from pfs_provider.catalog.graph import check_provenance, replace_provenance
from pfs_provider.catalog.heads import find_branch_row
from pfs_provider.catalog.jobs import find_job, kill_jobs
from pfs_provider.catalog.keys import pipeline_text
from pfs_provider.catalog.pipeline_rows import pipeline_values, select_versions
from pfs_provider.catalog.projects import get_project
from pfs_provider.catalog.repos import check_repo, check_unused, create_repo, erase_repo, find_repo
from pfs_provider.catalog.tables import jobs, pipeline_versions, pipelines, repos, user_specs
from pfs_provider.catalog.transaction import Stale, Tx
from pfs_provider.catalog.values import Pipeline, PipelineInput, PipelineKind, PipelineState
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, RefusedError
from pfs_provider.refs.names import BranchKey, PipelineKey

__all__ = [
    "check_started",
    "create_pipeline",
    "delete_pipeline",
    "find_pipeline",
    "get_pipeline",
    "list_pipelines",
    "rerun_pipeline",
    "set_memo",
    "set_pipeline_state",
    "start_pipeline",
    "stop_pipeline",
    "update_pipeline",
]

_STATE_AT_FIRST: Final[dict[PipelineKind, PipelineState]] = {
    "transform": "running",
    # Somebody has to bring the command up.
    "service": "starting",
    "spout": "starting",
}


def find_pipeline(tx: Tx, key: PipelineKey, *, version: int | None = None) -> Pipeline | None:
    """Return a pipeline at a version, the newest by default; None if there is none."""
    query = select_versions(version).where(pipelines.c.key == pipeline_text(key))
    found = pipeline_values(tx, tx.all(query), as_of_version=version is not None)
    return found[0] if found else None


def get_pipeline(tx: Tx, key: PipelineKey, *, version: int | None = None) -> Pipeline:
    """Return a pipeline at a version, the newest by default.

    Raises:
        NotFoundError: ``pipeline-not-found``.
    """
    found = find_pipeline(tx, key, version=version)
    if found is None:
        at = "" if version is None else f" at version {version}"
        of = "" if version is None else f" {key} --history all"
        raise NotFoundError(
            ErrorCode.PIPELINE_NOT_FOUND,
            f"pipeline {key}{at} does not exist: see `pfs list pipeline{of}`",
            pipeline=str(key),
        )
    return found


def list_pipelines(
    tx: Tx,
    project: str | None = None,
    *,
    key: PipelineKey | None = None,
    history: int | None = 0,
) -> tuple[Pipeline, ...]:
    """Return pipelines by name, each with its versions, newest first.

    Args:
        tx: The transaction.
        project: Only of this one.
        key: Only this pipeline.
        history: How many versions before the newest; None means all.

    Raises:
        NotFoundError: ``project-not-found`` or ``pipeline-not-found``.
    """
    query = select_versions(since=history).order_by(
        pipelines.c.key, pipeline_versions.c.version.desc()
    )
    if project is not None:
        get_project(tx, project)
        query = query.where(pipelines.c.project == project)
    if key is not None:
        get_pipeline(tx, key)
        query = query.where(pipelines.c.key == pipeline_text(key))
    return pipeline_values(tx, tx.all(query), as_of_version=history != 0)


def create_pipeline(  # noqa: PLR0913 each is one fact of a pipeline
    tx: Tx,
    key: PipelineKey,
    *,
    spec: str,
    inputs: Sequence[PipelineInput],
    input_text: str,
    output_branch: str,
    description: str = "",
    kind: PipelineKind = "transform",
) -> Pipeline:
    """Make a pipeline with its output repo, and a job if any input has a commit.

    Input branches that do not exist are made, their repos are not.

    Raises:
        NotFoundError: ``project-not-found``, or ``repo-not-found`` for an input.
        ConflictError: ``pipeline-exists``, or ``repo-exists``: a repo has its name.
        RefusedError: ``provenance-illegal``: for instance its own output as input.
    """
    get_project(tx, key.project)
    if find_pipeline(tx, key) is not None:
        raise ConflictError(
            ErrorCode.PIPELINE_EXISTS,
            f"pipeline {key} exists already: use `pfs update pipeline`",
            pipeline=str(key),
        )
    if find_repo(tx, key.repo) is not None:
        raise ConflictError(
            ErrorCode.REPO_EXISTS,
            f"a repo {key} exists already, which the output of pipeline {key} would need",
            repo=key.repo.full,
        )
    _check_inputs(tx, key, inputs)
    create_repo(tx, key.repo, description=description)
    text = pipeline_text(key)
    output = BranchKey(key.repo, output_branch)
    tx.run(
        insert(pipelines).values(
            key=text,
            project=key.project,
            version=0,
            state=_STATE_AT_FIRST[kind],
            reason="",
            stopped=False,
            kind=kind,
            output=output.full,
            created=tx.now,
        )
    )
    _insert_version(tx, key, spec=spec, inputs=inputs, input_text=input_text, output=output)
    _connect(tx, output, inputs)
    tx.stale.append(Stale(output.full, tx.new_change(), forced=True))
    tx.add_event("pipeline-created", key, state=_STATE_AT_FIRST[kind], data={"version": 1})
    return get_pipeline(tx, key)


def _check_inputs(tx: Tx, key: PipelineKey, inputs: Sequence[PipelineInput]) -> None:
    for item in inputs:
        if item.branch.repo == key.repo:
            raise RefusedError(
                ErrorCode.PROVENANCE_ILLEGAL,
                f"pipeline {key} cannot read its own output ({item.branch})",
                pipeline=str(key),
            )
        check_repo(tx, item.branch.repo)


def _insert_version(
    tx: Tx,
    key: PipelineKey,
    *,
    spec: str,
    inputs: Sequence[PipelineInput],
    input_text: str,
    output: BranchKey,
) -> int:
    text = pipeline_text(key)
    last = tx.scalar(select(pipelines.c.version).where(pipelines.c.key == text))
    version = int(last) + 1
    tx.run(
        insert(pipeline_versions).values(
            pipeline=text,
            version=version,
            spec=spec,
            inputs=[[item.name, item.branch.full, item.propagate] for item in inputs],
            input_text=input_text,
            output=output.full,
            created=tx.now,
        )
    )
    tx.run(
        update(pipelines)
        .where(pipelines.c.key == text)
        .values(version=version, output=output.full, reason="")
    )
    return version


def _connect(tx: Tx, output: BranchKey, inputs: Sequence[PipelineInput]) -> None:
    """Make the branches that are missing, and the inputs the output's provenance."""
    edges: dict[BranchKey, bool] = {}
    for item in inputs:
        ensure_branch(tx, item.branch)
        edges[item.branch] = edges.get(item.branch, False) or item.propagate
    ensure_branch(tx, output)
    check_provenance(tx, output, list(edges))
    replace_provenance(tx, output, list(edges.items()))


def update_pipeline(  # noqa: PLR0913 each is one fact of a pipeline
    tx: Tx,
    key: PipelineKey,
    *,
    spec: str,
    inputs: Sequence[PipelineInput],
    input_text: str,
    output_branch: str,
    description: str = "",
    kind: PipelineKind = "transform",
) -> Pipeline:
    """Give a pipeline a new version: what runs is killed, a job under a new id is opened at once.

    A stopped pipeline stays stopped.

    Raises:
        NotFoundError: ``pipeline-not-found``, or ``repo-not-found`` for an input.
        RefusedError: ``provenance-illegal``.
    """
    before = get_pipeline(tx, key)
    _check_inputs(tx, key, inputs)
    kill_jobs(tx, key, reason="the pipeline was updated")
    output = BranchKey(key.repo, output_branch)
    if output != before.output:
        replace_provenance(tx, before.output, [])
    version = _insert_version(
        tx, key, spec=spec, inputs=inputs, input_text=input_text, output=output
    )
    if before.stopped:
        ensure_branch(tx, output)
    else:
        _connect(tx, output, inputs)
        tx.stale.append(Stale(output.full, tx.new_change(), forced=True))
    state = before.state if before.stopped else _STATE_AT_FIRST[kind]
    row = update(pipelines).where(pipelines.c.key == pipeline_text(key))
    tx.run(row.values(state=state, kind=kind))
    if description:
        tx.run(update(repos).where(repos.c.key == key.repo.full).values(description=description))
    tx.add_event("pipeline-updated", key, state=state, data={"version": version})
    return get_pipeline(tx, key)


def check_started(pipeline: Pipeline) -> None:
    """Refuse what a stopped pipeline cannot do.

    Raises:
        ConflictError: ``in-use``: it is stopped.
    """
    if pipeline.stopped:
        raise ConflictError(
            ErrorCode.IN_USE,
            f"pipeline {pipeline.key} is stopped: "
            f"start it with `pfs start pipeline {pipeline.key}`",
            pipeline=str(pipeline.key),
        )


def rerun_pipeline(tx: Tx, key: PipelineKey) -> Pipeline:
    """Open a job on the current inputs, though nothing has changed.

    Raises:
        NotFoundError: ``pipeline-not-found``.
        ConflictError: ``in-use``: it is stopped.
    """
    found = get_pipeline(tx, key)
    check_started(found)
    tx.stale.append(Stale(found.output.full, tx.new_change(), forced=True))
    return found


def stop_pipeline(tx: Tx, key: PipelineKey) -> Pipeline:
    """Open no jobs any more and kill what runs. Harmless if it is stopped already.

    Raises:
        NotFoundError: ``pipeline-not-found``.
    """
    found = get_pipeline(tx, key)
    if found.stopped:
        return found
    kill_jobs(tx, key, reason="the pipeline was stopped")
    replace_provenance(tx, found.output, [])
    _set(tx, key, state="paused", reason="", stopped=True)
    tx.add_event("pipeline-stopped", key, state="paused")
    return get_pipeline(tx, key)


def start_pipeline(tx: Tx, key: PipelineKey) -> Pipeline:
    """Follow the inputs again. Harmless if it is not stopped.

    A job is opened if the inputs have moved meanwhile, or if stopping killed the last one.

    Raises:
        NotFoundError: ``pipeline-not-found``.
        RefusedError: ``provenance-illegal``: the graph has changed meanwhile.
    """
    found = get_pipeline(tx, key)
    if not found.stopped:
        return found
    _connect(tx, found.output, found.inputs)
    state = _STATE_AT_FIRST[found.kind]
    _set(tx, key, state=state, reason="", stopped=False)
    row = find_branch_row(tx, found.output)
    last = None if row is None or row.head is None else find_job(tx, key, row.head)
    killed = last is not None and last.state == "killed"
    tx.stale.append(Stale(found.output.full, tx.new_change(), forced=killed))
    tx.add_event("pipeline-started", key, state=state)
    return get_pipeline(tx, key)


def delete_pipeline(
    tx: Tx, key: PipelineKey, *, keep_repo: bool = False, force: bool = False
) -> None:
    """Delete a pipeline with its jobs and its output repo.

    Args:
        tx: The transaction.
        key: The pipeline.
        keep_repo: Leave the output as an ordinary repo.
        force: Also if others depend on the output.

    Raises:
        NotFoundError: ``pipeline-not-found``.
        ConflictError: ``in-use``: others depend on the output.
    """
    found = get_pipeline(tx, key)
    if not keep_repo and not force:
        check_unused(tx, key.repo)
    kill_jobs(tx, key, reason="the pipeline was deleted")
    replace_provenance(tx, found.output, [])
    text = pipeline_text(key)
    tx.run(delete(jobs).where(jobs.c.pipeline == text))
    tx.run(delete(user_specs).where(user_specs.c.pipeline == text))
    tx.run(delete(pipeline_versions).where(pipeline_versions.c.pipeline == text))
    tx.run(delete(pipelines).where(pipelines.c.key == text))
    tx.add_event("pipeline-deleted", key)
    if not keep_repo:
        erase_repo(tx, key.repo)


def set_memo(tx: Tx, key: PipelineKey, *, old: str | None, new: str | None) -> None:
    """Replace the memo if it still is ``old``.

    Raises:
        ConflictError: ``branch-moved``: it is another by now.
    """
    row = update(pipelines).where(
        pipelines.c.key == pipeline_text(key), pipelines.c.memo.is_not_distinct_from(old)
    )
    if tx.run(row.values(memo=new)) != 1:
        get_pipeline(tx, key)
        raise ConflictError(
            ErrorCode.BRANCH_MOVED,
            f"the memo of pipeline {key} was replaced meanwhile: read it and repeat",
            pipeline=str(key),
        )


def set_pipeline_state(
    tx: Tx, key: PipelineKey, state: PipelineState, *, reason: str = ""
) -> Pipeline:
    """Record how a pipeline is. Raises NotFoundError ``pipeline-not-found``."""
    if state not in get_args(PipelineState):
        raise RefusedError(ErrorCode.SPEC_ILLEGAL, f"{state!r} is no state of a pipeline")
    before = get_pipeline(tx, key)
    _set(tx, key, state=state, reason=reason, stopped=before.stopped)
    if state != before.state:
        tx.add_event("pipeline-changed", key, state=state, data={"reason": reason})
    return get_pipeline(tx, key)


def _set(tx: Tx, key: PipelineKey, *, state: str, reason: str, stopped: bool) -> None:
    tx.run(
        update(pipelines)
        .where(pipelines.c.key == pipeline_text(key))
        .values(state=state, reason=reason, stopped=stopped)
    )

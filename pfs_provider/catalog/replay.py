"""Jobs on other commits than the heads: chosen ones, and all that there ever were.

Invariants: a job on chosen commits leaves the head of the output branch where it is, so nothing
downstream is caused; a replay ends with the heads, as any other way of the branch does. Whatever a
job reads exists and has no error. Must not know: what a spec says.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from pfs_provider.catalog.commit_rows import fetch_commit, find_states, insert_commit, insert_pins
from pfs_provider.catalog.heads import find_branch_row, move_head
from pfs_provider.catalog.history import base_commit, list_commits
from pfs_provider.catalog.job_rows import insert_job
from pfs_provider.catalog.jobs import get_job
from pfs_provider.catalog.keys import pipeline_text
from pfs_provider.catalog.pipelines import check_started, get_pipeline
from pfs_provider.catalog.transaction import Moved, Tx
from pfs_provider.catalog.values import Commit, CommitPin, Job, Pipeline
from pfs_provider.errors import ConflictError, ErrorCode, RefusedError
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey, PipelineKey, RepoKey

__all__ = ["replay_commits", "run_on_commits"]


def run_on_commits(tx: Tx, key: PipelineKey, chosen: Sequence[Commit]) -> Job:
    """Open a job on chosen commits; it reads the heads of the inputs that none is chosen of.

    Its output commit is no head: it is found by its id.

    Args:
        tx: The transaction.
        key: The pipeline.
        chosen: Commits of the inputs' repos, whatever branch they were made on.

    Raises:
        NotFoundError: ``pipeline-not-found``.
        ConflictError: ``in-use``: the pipeline is stopped; ``commit-open``: one is not finished.
        RefusedError: ``provenance-illegal``: one is of no input, of the same as another, or has an
            error.
    """
    found = get_pipeline(tx, key)
    check_started(found)
    heads = _heads(tx, found)
    picked: dict[RepoKey, CommitId] = {}
    for commit in chosen:
        _check_readable(key, commit)
        if commit.repo not in {branch.repo for branch in heads}:
            raise _illegal(key, f"it does not read {commit.repo}")
        if picked.setdefault(commit.repo, commit.id) != commit.id:
            raise _illegal(key, f"{commit.full} and {picked[commit.repo]} are of one input")
    pins = [
        CommitPin(branch=branch, id=id_)
        for branch, head in heads.items()
        if (id_ := picked.get(branch.repo, head)) is not None
    ]
    id_ = tx.new_change()
    row = find_branch_row(tx, found.output)
    head = None if row is None or row.head is None else fetch_commit(tx, key.repo, row.head)
    # Not upon a head that is still being made: this job need not wait for that one.
    base = head if head is None or head.state == "finished" else base_commit(tx, head)
    _open(tx, found, id_, pins, parent=None if base is None else base.id)
    return get_job(tx, key, id_)


def _heads(tx: Tx, pipeline: Pipeline) -> dict[BranchKey, CommitId | None]:
    found: dict[BranchKey, CommitId | None] = {}
    for item in pipeline.inputs:
        row = find_branch_row(tx, item.branch)
        found[item.branch] = None if row is None else row.head
    return found


def _check_readable(key: PipelineKey, commit: Commit) -> None:
    if commit.state == "error":
        raise _illegal(key, f"{commit.full} has an error: {commit.error}")
    if commit.state != "finished" and commit.origin == "user":
        raise ConflictError(
            ErrorCode.COMMIT_OPEN,
            f"commit {commit.full} is still open: finish it first",
            repo=commit.repo.full,
            id=commit.id,
        )


def _illegal(key: PipelineKey, why: str) -> RefusedError:
    return RefusedError(
        ErrorCode.PROVENANCE_ILLEGAL,
        f"pipeline {key} cannot run on that: {why}",
        pipeline=str(key),
    )


def replay_commits(tx: Tx, key: PipelineKey) -> tuple[CommitId, ...]:
    """Open a job for every commit that the inputs ever had, oldest first, and return their ids.

    Each reads what the inputs' heads were when its commit came, and has the id of that change
    where the output has no commit of it yet. Commits with an error are left out, so are those that
    cause no jobs (``propagate=False``). What is downstream follows the last one.

    Raises:
        NotFoundError: ``pipeline-not-found``.
    """
    found = get_pipeline(tx, key)
    row = find_branch_row(tx, found.output)
    first = head = None if row is None else row.head
    opened: list[CommitId] = []
    for change, pins in _states_of_inputs(tx, found):
        is_used = fetch_commit(tx, key.repo, change) is not None
        id_ = tx.fresh_change() if is_used else change
        _open(tx, found, id_, pins, parent=head)
        head = id_
        opened.append(id_)
    if opened:
        move_head(tx, found.output, old=first, new=opened[-1], change=None)
        tx.moved.append(Moved(found.output.full, opened[-1]))
    return tuple(opened)


def _states_of_inputs(tx: Tx, pipeline: Pipeline) -> Iterator[tuple[CommitId, list[CommitPin]]]:
    """Yield each change of the inputs with all their heads right after it, in order."""
    loud = {item.branch for item in pipeline.inputs if item.propagate}
    steps: list[tuple[datetime, int, BranchKey, CommitId]] = []
    for branch in dict.fromkeys(item.branch for item in pipeline.inputs):
        history = list_commits(tx, branch.repo, branch=branch.name)
        moves = [commit for commit in reversed(history) if _is_told(commit)]
        steps += [(_moved_at(one), at, branch, one.id) for at, one in enumerate(moves)]
    steps.sort(key=lambda step: step[:2])
    last = {id_: at for at, (_, _, branch, id_) in enumerate(steps) if branch in loud}
    heads: dict[BranchKey, CommitId] = {}
    for at, (_, _, branch, id_) in enumerate(steps):
        heads[branch] = id_
        if last.get(id_) == at:
            yield id_, _in_order(pipeline, heads)


def _is_told(commit: Commit) -> bool:
    return commit.state != "error" and (commit.is_finished or commit.origin == "auto")


def _moved_at(commit: Commit) -> datetime:
    """Return when the branch moved there: a user's commit is a head once it is finished."""
    is_late = commit.origin == "user" and commit.finished is not None
    return commit.finished if is_late and commit.finished is not None else commit.started


def _in_order(pipeline: Pipeline, heads: Mapping[BranchKey, CommitId]) -> list[CommitPin]:
    branches = dict.fromkeys(item.branch for item in pipeline.inputs)
    return [CommitPin(branch=one, id=heads[one]) for one in branches if one in heads]


def _open(
    tx: Tx, pipeline: Pipeline, id_: CommitId, pins: Sequence[CommitPin], *, parent: str | None
) -> None:
    """Open an output commit with its job; the head stays where it is."""
    output = pipeline.output
    insert_commit(tx, output, id_=id_, origin="auto", parent=parent, columns={})
    insert_pins(tx, output.repo, id_, pins)
    states = find_states(tx, [(pin.branch.repo.full, pin.id) for pin in pins])
    is_ready = all(state == "finished" for state in states.values())
    insert_job(
        tx,
        pipeline_text(pipeline.key),
        id_,
        version=pipeline.version,
        output=output.full,
        state="starting" if is_ready else "created",
    )

"""What the end of a downstream commit causes: jobs get ready, or cannot run any more.

Invariants: a job never runs before all its pinned inputs are finished without error; where one has
an error the job is ``unrunnable`` and its output commit ends with an error at once, and so on down,
in the same transaction. Must not know: branches, pipelines' specs. Internal to the room.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select, update

from pfs_provider.catalog.commit_rows import CommitRef, end_commit, find_states, pins_of, with_refs
from pfs_provider.catalog.keys import pipeline_key, repo_key
from pfs_provider.catalog.tables import IS_ACTIVE, commit_provenance, commits, jobs
from pfs_provider.catalog.transaction import Killed, Tx
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey

__all__ = ["NO_TREE", "end_job", "fail_readers", "fail_unrunnable", "settle", "settle_commit"]

NO_TREE: Final[Mapping[str, Any]] = {"n_files": 0, "size": 0}
"""Columns of a commit that ended before anybody wrote into it."""


def end_job(
    tx: Tx, pipeline: str, id_: CommitId, *, state: str, columns: Mapping[str, Any]
) -> None:
    """Set a job to an end state and take it from its owner, with the event.

    Without counts in ``columns`` the datums of which no outcome is known count as failed.
    """
    unknown = jobs.c.total - jobs.c.processed - jobs.c.skipped - jobs.c.recovered
    facts = {"failed": unknown, **columns}
    tx.run(
        update(jobs)
        .where(jobs.c.pipeline == pipeline, jobs.c.id == id_)
        .values(state=state, finished=tx.now, owner=None, lease_until=None, **facts)
    )
    tx.add_event("job-changed", pipeline_key(pipeline), commit=id_, state=state)


def settle_commit(
    tx: Tx, branch: BranchKey, id_: CommitId, *, error: str | None, columns: Mapping[str, Any]
) -> None:
    """End an open commit and everything below it that this decides."""
    end_commit(tx, branch, id_, error=error, columns=columns)
    settle(tx, (branch.repo.full, id_))


def settle(tx: Tx, ended: CommitRef) -> None:
    """Ready, or end, the open commits and jobs that read a commit which has just ended."""
    todo = deque([ended])
    while todo:
        for ref, branch in _open_readers(tx, todo.popleft()):
            blame = _find_errored_input(tx, ref)
            if blame is None:
                _ready_job(tx, ref)
                continue
            fail_unrunnable(tx, BranchKey(repo_key(ref[0]), branch), CommitId(ref[1]), blame=blame)
            todo.append(ref)


def fail_unrunnable(tx: Tx, branch: BranchKey, id_: CommitId, *, blame: str) -> None:
    """End a commit, and its job if it has one, because an input has an error."""
    reason = f"input {blame} has an error" if "@" in blame else f"input gone: {blame}"
    running = select(jobs.c.state).where(
        jobs.c.pipeline == branch.repo.full, jobs.c.id == id_, IS_ACTIVE
    )
    if (row := tx.first(running)) is not None:
        end_job(tx, branch.repo.full, id_, state="unrunnable", columns={"reason": reason})
        if row.state != "created":  # else it never had workers
            tx.killed.append(Killed(pipeline_key(branch.repo.full), id_, reason))
    end_commit(tx, branch, id_, error=reason, columns=NO_TREE)


def fail_readers(tx: Tx, repo: str, *, blame: str) -> None:
    """End the open commits of other repos that read this one, and everything below them."""
    table = commit_provenance
    query = (
        select(commits.c.repo, commits.c.id, commits.c.branch)
        .join(table, (table.c.repo == commits.c.repo) & (table.c.id == commits.c.id))
        .where(table.c.input_repo == repo, commits.c.repo != repo)
        .where(commits.c.state == "open", commits.c.origin == "auto")
        .distinct()
    )
    for row in tx.all(query):
        ref = (row.repo, row.id)
        if find_states(tx, [ref])[ref] == "open":
            fail_unrunnable(tx, BranchKey(repo_key(row.repo), row.branch), row.id, blame=blame)
            settle(tx, ref)


def _open_readers(tx: Tx, ref: CommitRef) -> list[tuple[CommitRef, str]]:
    """Return the AUTO commits that read this one and are open still, with their branches."""
    table = commit_provenance
    readers = tx.all(
        select(table.c.repo, table.c.id)
        .where(table.c.input_repo == ref[0], table.c.input_id == ref[1])
        .distinct()
    )
    if not readers:
        return []
    query = select(commits.c.repo, commits.c.id, commits.c.branch).where(
        with_refs(commits.c.repo, commits.c.id, [(row.repo, row.id) for row in readers]),
        commits.c.state == "open",
        commits.c.origin == "auto",
    )
    return [((row.repo, row.id), row.branch) for row in tx.all(query.order_by(commits.c.number))]


def _find_errored_input(tx: Tx, ref: CommitRef) -> str | None:
    for (repo, id_), state in _input_states(tx, ref).items():
        if state == "error":
            return f"{repo}@{id_}"
    return None


def _input_states(tx: Tx, ref: CommitRef) -> dict[CommitRef, str]:
    pins = pins_of(tx, [ref]).get(ref, [])
    return find_states(tx, [(pin.branch.repo.full, pin.id) for pin in pins])


def _ready_job(tx: Tx, ref: CommitRef) -> None:
    if any(state != "finished" for state in _input_states(tx, ref).values()):
        return
    readied = tx.run(
        update(jobs)
        .where(jobs.c.pipeline == ref[0], jobs.c.id == ref[1], jobs.c.state == "created")
        .values(state="starting")
    )
    if readied:
        tx.add_event("job-changed", pipeline_key(ref[0]), commit=ref[1], state="starting")

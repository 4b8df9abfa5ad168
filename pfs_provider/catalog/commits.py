"""Commits: start, attach, finish, land, drop.

Invariants: the head of a branch moves by compare-and-swap when a commit finishes; a user never
writes into a pipeline's output; one commit a repo and change. Must not know: what trees hold.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update

from pfs_provider.catalog.branches import ensure_branch
from pfs_provider.catalog.commit_rows import (
    commit_values,
    end_commit,
    fetch_commit,
    insert_commit,
    insert_pins,
    select_commits,
)
from pfs_provider.catalog.graph import edges_into
from pfs_provider.catalog.heads import find_branch_row, move_head, set_open_commit
from pfs_provider.catalog.repos import check_repo
from pfs_provider.catalog.settling import settle_commit
from pfs_provider.catalog.tables import commit_provenance, commits, deltas, jobs, pipelines
from pfs_provider.catalog.transaction import Moved, Tx
from pfs_provider.catalog.triggers import fire_triggers
from pfs_provider.catalog.values import Commit, CommitPin
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, RefusedError
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey, RepoKey

__all__ = [
    "attach_delta",
    "drop_open_commit",
    "find_commit",
    "finish_commit",
    "finish_downstream",
    "get_commit",
    "land_commit",
    "list_change",
    "list_deltas",
    "note_run",
    "start_commit",
]

find_commit: Final = fetch_commit
"""``find_commit(tx, repo, id)`` returns the commit that a change made in a repo, None without."""


def get_commit(tx: Tx, repo: RepoKey, id_: CommitId) -> Commit:
    """Return the commit that a change made in a repo.

    Raises:
        NotFoundError: ``repo-not-found`` or ``commit-not-found``.
    """
    found = fetch_commit(tx, repo, id_)
    if found is None:
        check_repo(tx, repo)
        raise NotFoundError(
            ErrorCode.COMMIT_NOT_FOUND,
            f"commit {repo}@{id_} does not exist: see `pfs list commit {repo}`",
            repo=repo.full,
            id=id_,
        )
    return found


def list_change(tx: Tx, id_: CommitId) -> tuple[Commit, ...]:
    """Return all commits of a change, causes first; empty if there is no such change."""
    query = select_commits().where(commits.c.id == id_).order_by(commits.c.number)
    return commit_values(tx, tx.all(query))


def start_commit(
    tx: Tx,
    branch: BranchKey,
    *,
    id: CommitId,  # noqa: A002 the word that everybody uses for it
    message: str = "",
    provenance: Sequence[CommitPin] = (),
    run: Mapping[str, object] | None = None,
) -> Commit:
    """Open a commit on a branch for a user to write into; the head stays where it is.

    The branch is made if it is missing.

    Raises:
        NotFoundError: ``repo-not-found``, or ``commit-not-found`` for one named as provenance.
        RefusedError: ``output-branch``: only its provenance brings commits to the branch.
        ConflictError: ``commit-open``: the branch has an open commit; ``commit-exists``: the repo
            has a commit of that id.
    """
    _check_writable(tx, branch)
    row = find_branch_row(tx, branch)
    if row is not None and row.open_commit is not None:
        raise ConflictError(
            ErrorCode.COMMIT_OPEN,
            f"{branch} has the open commit {row.open_commit}: finish it with "
            f"`pfs finish commit {branch}`, or delete it",
            branch=branch.full,
            id=row.open_commit,
        )
    columns = {"message": message, "run": None if run is None else dict(run)}
    parent = None if row is None else row.head
    insert_commit(tx, branch, id_=id, origin="user", parent=parent, columns=columns)
    insert_pins(tx, branch.repo, id, provenance)
    set_open_commit(tx, branch, id)
    return get_commit(tx, branch.repo, id)


def _check_writable(tx: Tx, branch: BranchKey) -> None:
    """Make the branch if it is missing; refuse it if only provenance brings commits to it."""
    ensure_branch(tx, branch)
    outputs = select(pipelines.c.key).where(pipelines.c.output == branch.full)
    # The command of a spout commits by itself.
    if tx.first(outputs.where(pipelines.c.kind != "spout")) is not None:
        why = f"it is the output of pipeline {branch.repo}"
    elif edges := edges_into(tx, [branch.full]):
        why = f"it has provenance on {edges[0].input}"
    else:
        return
    raise RefusedError(
        ErrorCode.OUTPUT_BRANCH,
        f"{branch} is an output branch ({why}): commit to what it depends on instead",
        branch=branch.full,
    )


def attach_delta(
    tx: Tx, repo: RepoKey, id_: CommitId, delta: str, *, expected: int | None = None
) -> int:
    """Append a delta to an open commit; return how many it has now.

    Args:
        tx: The transaction.
        repo: The commit's repo.
        id_: The commit's id.
        delta: Name of the delta's object.
        expected: How many deltas the caller has seen; None does not care.

    Raises:
        NotFoundError: ``commit-not-found``.
        ConflictError: ``commit-finished``; ``branch-moved`` if there are not ``expected`` deltas.
        RefusedError: ``output-branch``: a job writes that commit.
    """
    _check_open(tx, repo, id_)
    mine = (deltas.c.repo == repo.full, deltas.c.id == id_)
    count = int(tx.scalar(select(func.count()).select_from(deltas).where(*mine)) or 0)
    if expected is not None and count != expected:
        raise ConflictError(
            ErrorCode.BRANCH_MOVED,
            f"{repo}@{id_} has {count} deltas, not {expected}: somebody wrote meanwhile",
            repo=repo.full,
            id=id_,
        )
    tx.run(insert(deltas).values(repo=repo.full, id=id_, position=count, name=delta))
    return count + 1


def list_deltas(tx: Tx, repo: RepoKey, id_: CommitId) -> tuple[str, ...]:
    """Return the deltas of a commit in the order attached; empty once it is finished."""
    query = (
        select(deltas.c.name)
        .where(deltas.c.repo == repo.full, deltas.c.id == id_)
        .order_by(deltas.c.position)
    )
    return tuple(row.name for row in tx.all(query))


def _check_open(tx: Tx, repo: RepoKey, id_: CommitId) -> Commit:
    commit = get_commit(tx, repo, id_)
    if commit.is_finished:
        raise ConflictError(
            ErrorCode.COMMIT_FINISHED,
            f"{repo}@{id_} is finished already: start another commit",
            repo=repo.full,
            id=id_,
        )
    is_job = select(jobs.c.id).where(jobs.c.pipeline == repo.full, jobs.c.id == id_)
    if commit.origin == "auto" and tx.first(is_job) is not None:
        raise RefusedError(
            ErrorCode.OUTPUT_BRANCH,
            f"{repo}@{id_} is the output of a job: only the job writes it",
            repo=repo.full,
            id=id_,
        )
    return commit


def finish_commit(  # noqa: PLR0913 the facts of a commit, each on its own
    tx: Tx,
    repo: RepoKey,
    id_: CommitId,
    *,
    tree: str,
    n_files: int,
    size: int,
    expected_head: CommitId | None,
    error: str | None = None,
) -> Commit:
    """Seal an open commit, move its branch there, and cause what is downstream.

    A commit that provenance opened goes the same way; its ``expected_head`` does not matter, the
    head is there already.

    Args:
        tx: The transaction.
        repo: The commit's repo.
        id_: The commit's id.
        tree: Text of the tree: ``expected_head``'s with the deltas applied.
        n_files: Files in the tree.
        size: Bytes in the tree.
        expected_head: What the tree was built upon; it becomes the parent.
        error: Why nothing may build upon the commit; None if all is well.

    Raises:
        NotFoundError: ``commit-not-found``.
        ConflictError: ``commit-finished``; ``branch-moved``: the head is another by now, build the
            tree upon that and repeat.
        RefusedError: ``output-branch``: a job's commit.
    """
    commit = _check_open(tx, repo, id_)
    branch = BranchKey(repo, commit.branch)
    columns = {"tree": tree, "n_files": n_files, "size": size}
    if commit.origin == "auto":
        settle_commit(tx, branch, id_, error=error, columns=columns)
        if error is None:
            fire_triggers(tx, branch, id_)
    else:
        _seal(tx, branch, id_, expected_head=expected_head, error=error, columns=columns)
        set_open_commit(tx, branch, None)
    tx.run(delete(deltas).where(deltas.c.repo == repo.full, deltas.c.id == id_))
    return get_commit(tx, repo, id_)


def _seal(
    tx: Tx,
    branch: BranchKey,
    id_: CommitId,
    *,
    expected_head: CommitId | None,
    error: str | None,
    columns: Mapping[str, Any],
) -> None:
    move_head(tx, branch, old=expected_head, new=id_, change=id_)
    end_commit(tx, branch, id_, error=error, columns={**columns, "parent": expected_head})
    if error is None:
        fire_triggers(tx, branch, id_)


def note_run(tx: Tx, repo: RepoKey, id_: CommitId, run: Mapping[str, object]) -> None:
    """Record the external run that makes an open commit, or none: an ended one stays as it is."""
    mine = update(commits).where(
        commits.c.repo == repo.full, commits.c.id == id_, commits.c.state == "open"
    )
    tx.run(mine.values(run=dict(run)))


def land_commit(  # noqa: PLR0913 the facts of a commit, each on its own
    tx: Tx,
    branch: BranchKey,
    *,
    id: CommitId,  # noqa: A002 the word that everybody uses for it
    message: str = "",
    provenance: Sequence[CommitPin] = (),
    tree: str,
    n_files: int,
    size: int,
    expected_head: CommitId | None,
    run: Mapping[str, object] | None = None,
) -> Commit:
    """Start and finish a commit in one act: it is visible whole or not at all.

    An open commit on the branch is left alone; it will land on top of this one.

    Raises:
        NotFoundError: ``repo-not-found``, or ``commit-not-found`` for one named as provenance.
        RefusedError: ``output-branch``.
        ConflictError: ``branch-moved``: the head is another by now, build the tree upon that and
            repeat; ``commit-exists``: the repo has a commit of that id.
    """
    _check_writable(tx, branch)
    columns = {"message": message, "run": None if run is None else dict(run)}
    insert_commit(tx, branch, id_=id, origin="user", parent=expected_head, columns=columns)
    insert_pins(tx, branch.repo, id, provenance)
    _seal(
        tx,
        branch,
        id,
        expected_head=expected_head,
        error=None,
        columns={"tree": tree, "n_files": n_files, "size": size},
    )
    return get_commit(tx, branch.repo, id)


def finish_downstream(  # noqa: PLR0913 the facts of a commit, each on its own
    tx: Tx,
    repo: RepoKey,
    id_: CommitId,
    *,
    tree: str,
    n_files: int,
    size: int,
    error: str | None = None,
) -> Commit:
    """Finish a commit that provenance opened on a branch without a pipeline.

    Raises:
        NotFoundError: ``commit-not-found``.
        ConflictError: ``commit-finished``.
        RefusedError: ``output-branch``: a job's commit ends with its job.
    """
    commit = _check_open(tx, repo, id_)
    if commit.origin != "auto":
        raise RefusedError(
            ErrorCode.OUTPUT_BRANCH,
            f"{repo}@{id_} was started by a user: finish it as such",
            repo=repo.full,
            id=id_,
        )
    return finish_commit(
        tx, repo, id_, tree=tree, n_files=n_files, size=size, expected_head=id_, error=error
    )


def drop_open_commit(tx: Tx, repo: RepoKey, id_: CommitId) -> None:
    """Delete a commit that a user has open, and its deltas.

    Raises:
        NotFoundError: ``commit-not-found``.
        ConflictError: ``commit-finished``: finished, or not a user's.
    """
    commit = get_commit(tx, repo, id_)
    if commit.state != "open" or commit.origin != "user":
        raise ConflictError(
            ErrorCode.COMMIT_FINISHED,
            f"{repo}@{id_} is not an open commit of a user: delete it as a whole change",
            repo=repo.full,
            id=id_,
        )
    for table in (deltas, commit_provenance, commits):
        tx.run(delete(table).where(table.c.repo == repo.full, table.c.id == id_))
    branch = BranchKey(repo, commit.branch)
    set_open_commit(tx, branch, None)
    # What was started together with it waited for it (propagation.py).
    query = select(commits.c.repo, commits.c.branch).where(
        commits.c.id == id_, commits.c.origin == "user", commits.c.state == "finished"
    )
    tx.moved += [Moved(f"{row.repo}@{row.branch}", id_) for row in tx.all(query)]
    tx.add_event("commit-deleted", branch, commit=id_)

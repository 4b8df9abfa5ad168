"""Taking changes back: squash keeps what they brought, delete does not.

Invariants: history stays linear and whole: no commit loses its parent, no pin its commit. Nothing
is taken that a commit of another change has read. Must not know: objects (those are collected).

Source: semantics 2.2 (squash and drop).
"""

from collections.abc import Sequence

from sqlalchemy import Row, delete, select, update

from pfs_provider.catalog.commits import list_change
from pfs_provider.catalog.graph import edges_into
from pfs_provider.catalog.heads import move_head, set_open_commit
from pfs_provider.catalog.keys import branch_key, pipeline_key
from pfs_provider.catalog.lineage import readers_of
from pfs_provider.catalog.settling import end_job
from pfs_provider.catalog.tables import (
    IS_ACTIVE,
    branches,
    commit_provenance,
    commits,
    deltas,
    jobs,
    provenance,
)
from pfs_provider.catalog.transaction import Killed, Stale, Tx
from pfs_provider.catalog.values import Commit
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey

__all__ = ["delete_change", "squash_change"]


def squash_change(tx: Tx, id_: CommitId) -> tuple[Commit, ...]:
    """Remove all commits of a change and keep their content, which their children hold too.

    Returns:
        The commits that were removed.

    Raises:
        NotFoundError: ``commit-not-found``: no such change.
        ConflictError: ``in-use``: a commit has no child, a child is not finished, a branch points
            at it, or a commit of another change has read it. Nothing was removed.
    """
    found = _get_change(tx, id_)
    for commit in found:
        children = _children(tx, commit)
        if not children:
            raise _in_use(commit, "nothing is built upon it; delete it instead")
        for child in children:
            if child.state not in {"finished", "error"}:
                raise _in_use(commit, f"{commit.repo}@{child.id}, built upon it, is not finished")
        for branch in _pointing_at(tx, commit):
            raise _in_use(commit, f"branch {branch.key} points at it")
    _check_unread(tx, found)
    for commit in found:
        tx.run(
            update(commits)
            .where(commits.c.repo == commit.repo.full, commits.c.parent == commit.id)
            .values(parent=commit.parent)
        )
        _erase(tx, commit)
    return found


def delete_change(tx: Tx, id_: CommitId) -> tuple[Commit, ...]:
    """Remove all commits of a change with what they brought, and its jobs.

    Branches that point at them fall back to the parents. Where that leaves a head that does not fit
    its provenance, a commit that does is opened under a new id.

    Returns:
        The commits that were removed.

    Raises:
        NotFoundError: ``commit-not-found``: no such change.
        ConflictError: ``in-use``: a commit is built upon one of them, or of another change has read
            one. Nothing was removed.
    """
    found = _get_change(tx, id_)
    for commit in found:
        for child in _children(tx, commit):
            raise _in_use(commit, f"{commit.repo}@{child.id} is built upon it; squash it instead")
    _check_unread(tx, found)
    moved: list[str] = []
    for commit in reversed(found):
        moved += _fall_back(tx, commit)
        _erase(tx, commit)
    _restore(tx, moved)
    return found


def _get_change(tx: Tx, id_: CommitId) -> tuple[Commit, ...]:
    found = list_change(tx, id_)
    if not found:
        raise NotFoundError(
            ErrorCode.COMMIT_NOT_FOUND, f"change {id_} does not exist or has no commits", id=id_
        )
    return found


def _children(tx: Tx, commit: Commit) -> Sequence[Row[tuple[str, str]]]:
    return tx.all(
        select(commits.c.id, commits.c.state)
        .where(commits.c.repo == commit.repo.full, commits.c.parent == commit.id)
        .order_by(commits.c.number)
    )


def _pointing_at(tx: Tx, commit: Commit) -> Sequence[Row[tuple[str, str, str]]]:
    return tx.all(
        select(branches.c.key, branches.c.head, branches.c.open_commit).where(
            branches.c.repo == commit.repo.full,
            (branches.c.head == commit.id) | (branches.c.open_commit == commit.id),
        )
    )


def _check_unread(tx: Tx, found: Sequence[Commit]) -> None:
    for commit in found:
        for repo, reader in readers_of(tx, [(commit.repo.full, commit.id)]):
            if reader != commit.id:
                raise _in_use(commit, f"{repo}@{reader} has read it; that change has to go first")


def _in_use(commit: Commit, why: str) -> ConflictError:
    return ConflictError(
        ErrorCode.IN_USE,
        f"commit {commit.repo}@{commit.id} cannot go: {why}",
        repo=commit.repo.full,
        id=commit.id,
    )


def _fall_back(tx: Tx, commit: Commit) -> list[str]:
    """Point branches at the parent; return those whose heads moved."""
    moved = []
    for row in _pointing_at(tx, commit):
        key = branch_key(row.key)
        if row.open_commit == commit.id:
            set_open_commit(tx, key, None)
        if row.head == commit.id:
            move_head(tx, key, old=commit.id, new=commit.parent, change=None)
            moved.append(row.key)
    return moved


def _restore(tx: Tx, moved: Sequence[str]) -> None:
    """Let branches follow that still have a head but not one that fits what they depend on."""
    below = tx.all(
        select(provenance.c.branch).where(
            provenance.c.input.in_(moved), provenance.c.propagate.is_(True)
        )
    )
    names = sorted({*moved, *(row.branch for row in below)})
    alive = tx.all(
        select(branches.c.key).where(branches.c.key.in_(names), branches.c.head.is_not(None))
    )
    change = tx.fresh_change()
    with_provenance = {edge.branch for edge in edges_into(tx, [row.key for row in alive])}
    tx.stale += [Stale(branch, change, forced=False) for branch in sorted(with_provenance)]


def _erase(tx: Tx, commit: Commit) -> None:
    repo = commit.repo.full
    job = (jobs.c.pipeline == repo, jobs.c.id == commit.id)
    if tx.first(select(jobs.c.id).where(*job, IS_ACTIVE)) is not None:
        reason = "its change was deleted"
        tx.killed.append(Killed(pipeline_key(repo), commit.id, reason))
        end_job(tx, repo, commit.id, state="killed", columns={"reason": reason})
    tx.run(delete(jobs).where(*job))
    for table in (deltas, commit_provenance, commits):
        tx.run(delete(table).where(table.c.repo == repo, table.c.id == commit.id))
    tx.add_event("commit-deleted", BranchKey(commit.repo, commit.branch), commit=commit.id)

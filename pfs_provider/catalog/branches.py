"""Branches: create, declare again, get, list, delete.

Invariants: a branch has provenance or a trigger, never both; the output branch of a pipeline keeps
the pipeline's provenance. Must not know: what propagation opens.

Source: semantics 2.4; DESIGN 15 (moving a head by hand).
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, select

from pfs_provider.catalog.commit_rows import fetch_commit
from pfs_provider.catalog.graph import (
    check_provenance,
    edges_into,
    find_dependent,
    replace_provenance,
)
from pfs_provider.catalog.heads import find_branch_row, insert_branch, move_head
from pfs_provider.catalog.keys import branch_key
from pfs_provider.catalog.repos import check_repo
from pfs_provider.catalog.tables import branches, commits, deltas, pipelines, provenance, triggers
from pfs_provider.catalog.transaction import Stale, Tx
from pfs_provider.catalog.triggers import find_triggers, find_watcher, set_trigger
from pfs_provider.catalog.values import Branch, Trigger
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, RefusedError
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey, RepoKey

__all__ = [
    "create_branch",
    "delete_branch",
    "ensure_branch",
    "find_branch",
    "get_branch",
    "list_branches",
]


def find_branch(tx: Tx, key: BranchKey) -> Branch | None:
    """Return a branch, None if there is none of that name."""
    row = find_branch_row(tx, key)
    return None if row is None else _values(tx, [row])[0]


def get_branch(tx: Tx, key: BranchKey) -> Branch:
    """Return a branch.

    Raises:
        NotFoundError: ``repo-not-found`` or ``branch-not-found``.
    """
    found = find_branch(tx, key)
    if found is None:
        check_repo(tx, key.repo)
        raise NotFoundError(
            ErrorCode.BRANCH_NOT_FOUND,
            f"branch {key} does not exist: commit to it, or create it with "
            f"`pfs create branch {key}`",
            branch=key.full,
        )
    return found


def list_branches(tx: Tx, repo: RepoKey) -> tuple[Branch, ...]:
    """Return the branches of a repo by name. Raises NotFoundError ``repo-not-found``."""
    check_repo(tx, repo)
    query = select(branches).where(branches.c.repo == repo.full).order_by(branches.c.key)
    return _values(tx, tx.all(query))


def _values(tx: Tx, rows: Sequence[Row[Any]]) -> tuple[Branch, ...]:
    names = [row.key for row in rows]
    edges = edges_into(tx, names)
    found = find_triggers(tx, names)
    return tuple(
        Branch(
            key=branch_key(row.key),
            head=row.head,
            open_commit=row.open_commit,
            provenance=tuple(branch_key(edge.input) for edge in edges if edge.branch == row.key),
            trigger=found.get(row.key),
        )
        for row in rows
    )


def create_branch(
    tx: Tx,
    key: BranchKey,
    *,
    head: CommitId | None = None,
    provenance: Sequence[BranchKey] | None = None,
    trigger: Trigger | None = None,
) -> Branch:
    """Make a branch, or declare one again.

    Declared again, provenance and trigger become what is said now, so leaving them out clears them;
    a pipeline's output branch keeps the pipeline's. Branches that are named as provenance and do
    not exist are made, their repos are not. Where the head then does not fit the provenance, a
    commit is opened that does, under the transaction's id or a new one.

    Args:
        tx: The transaction.
        key: The branch.
        head: Where it points from now on; None leaves it where it is. A move opens what is
            downstream under the head's id (the transaction's, if it has one), or under a new id
            where that is used there already. It fires no triggers.
        provenance: The branches that it directly depends on.
        trigger: When it follows another branch of the repo.

    Raises:
        NotFoundError: ``repo-not-found``, ``commit-not-found`` or ``branch-not-found``.
        RefusedError: ``provenance-illegal``, ``trigger-illegal`` or ``output-branch``.
    """
    check_repo(tx, key.repo)
    inputs = list(dict.fromkeys(provenance or ()))
    if inputs and trigger is not None:
        raise RefusedError(
            ErrorCode.PROVENANCE_ILLEGAL,
            f"branch {key} cannot have both provenance and a trigger",
            branch=key.full,
        )
    if head is not None:
        _check_head(tx, key, head)
    row = find_branch_row(tx, key)
    if row is None:
        insert_branch(tx, key)
    if not _is_output(tx, key):
        _declare(tx, key, inputs, trigger)
    elif provenance is not None or trigger is not None:
        raise _refuse_output(key)
    _move(tx, key, old=None if row is None else row.head, new=head)
    return get_branch(tx, key)


def ensure_branch(tx: Tx, key: BranchKey) -> None:
    """Make a branch without a commit if it does not exist. The repo has to exist."""
    if find_branch_row(tx, key) is None:
        check_repo(tx, key.repo)
        insert_branch(tx, key)


def _declare(tx: Tx, key: BranchKey, inputs: Sequence[BranchKey], trigger: Trigger | None) -> None:
    before = [edge.input for edge in edges_into(tx, [key.full])]
    if [branch.full for branch in inputs] != before:
        for branch in inputs:
            ensure_branch(tx, branch)
        check_provenance(tx, key, inputs)
        replace_provenance(tx, key, [(branch, True) for branch in inputs])
        tx.add_event("branch-changed", key, data={"provenance": [b.full for b in inputs]})
    if inputs:
        tx.stale.append(Stale(key.full, tx.new_change(), forced=False))
    if trigger is not None:
        ensure_branch(tx, BranchKey(key.repo, trigger.branch))
    set_trigger(tx, key, trigger)


def _move(tx: Tx, key: BranchKey, *, old: str | None, new: CommitId | None) -> None:
    if new is None or new == old:
        return
    change = tx.change if tx.change is not None else new
    move_head(tx, key, old=old, new=new, change=change)
    if edges_into(tx, [key.full]):
        tx.stale.append(Stale(key.full, change, forced=False))


def _check_head(tx: Tx, key: BranchKey, head: CommitId) -> None:
    commit = fetch_commit(tx, key.repo, head)
    if commit is None:
        raise NotFoundError(
            ErrorCode.COMMIT_NOT_FOUND,
            f"commit {key.repo}@{head} does not exist: a head is a commit of the branch's repo",
            repo=key.repo.full,
            id=head,
        )
    if not commit.is_finished and commit.origin == "user":
        raise ConflictError(
            ErrorCode.COMMIT_OPEN,
            f"commit {key.repo}@{head} is still open: finish it first",
            repo=key.repo.full,
            id=head,
        )


def _is_output(tx: Tx, key: BranchKey) -> bool:
    return tx.first(select(pipelines.c.key).where(pipelines.c.output == key.full)) is not None


def _refuse_output(key: BranchKey) -> RefusedError:
    return RefusedError(
        ErrorCode.OUTPUT_BRANCH,
        f"{key} is the output of pipeline {key.repo}, whose inputs are its provenance: "
        "update the pipeline instead",
        branch=key.full,
    )


def delete_branch(tx: Tx, key: BranchKey, *, force: bool = False) -> None:
    """Delete a branch; its commits stay, an open one goes.

    Args:
        tx: The transaction.
        key: The branch.
        force: Also if others depend on it or watch it; those edges and triggers are cut.

    Raises:
        NotFoundError: ``repo-not-found`` or ``branch-not-found``.
        ConflictError: ``in-use``: of a pipeline, in another's provenance, or watched by a trigger.
    """
    branch = get_branch(tx, key)
    if _is_output(tx, key):
        raise _in_use(key, f"it is the output of pipeline {key.repo}: delete that instead")
    if not force:
        user = find_dependent(tx, key.full) or find_watcher(tx, key.full)
        if user is not None:
            raise _in_use(key, f"{user} depends on it: delete that first, or force it")
    text = key.full
    tx.run(delete(provenance).where((provenance.c.branch == text) | (provenance.c.input == text)))
    tx.run(delete(triggers).where((triggers.c.branch == text) | (triggers.c.watched == text)))
    tx.run(delete(branches).where(branches.c.key == text))
    if branch.open_commit is not None:
        for table in (deltas, commits):
            tx.run(
                delete(table).where(table.c.repo == key.repo.full, table.c.id == branch.open_commit)
            )
    tx.add_event("branch-deleted", key)


def _in_use(key: BranchKey, why: str) -> ConflictError:
    return ConflictError(ErrorCode.IN_USE, f"branch {key} is in use: {why}", branch=key.full)

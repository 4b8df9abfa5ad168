"""Where branches point: the only module that moves a head.

Invariants: a head moves by compare-and-swap, with an event, and what is downstream is told (by
``Tx.moved``). Must not know: why it moves.
"""

from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from pfs_provider.catalog.tables import branches
from pfs_provider.catalog.transaction import Moved, Tx
from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey

__all__ = ["find_branch_row", "insert_branch", "move_head", "set_open_commit"]

# Built once: to put a statement together costs more than SQLite takes to run it.
_ONE = select(branches).where(branches.c.key == bindparam("of_key"))
_MOVE = update(branches).where(
    branches.c.key == bindparam("of_key"),
    branches.c.head.is_not_distinct_from(bindparam("old_head", type_=branches.c.head.type)),
)


def find_branch_row(tx: Tx, key: BranchKey) -> Row[Any] | None:
    """Return the row of a branch."""
    return tx.first(_ONE, {"of_key": key.full})


def insert_branch(tx: Tx, key: BranchKey) -> None:
    """Add a branch without a commit. The repo exists."""
    tx.run(insert(branches).values(key=key.full, repo=key.repo.full, created=tx.now))
    tx.add_event("branch-created", key)


def move_head(
    tx: Tx, key: BranchKey, *, old: str | None, new: CommitId | None, change: CommitId | None
) -> None:
    """Point a branch at ``new`` if it still points at ``old``.

    Args:
        tx: The transaction.
        key: The branch.
        old: Where it has to point now.
        new: Where it shall point.
        change: The id under which downstream commits are opened when the transaction ends; None
            when the caller sees to that.

    Raises:
        ConflictError: ``branch-moved``: it points elsewhere by now.
    """
    if tx.run(_MOVE, {"of_key": key.full, "old_head": old, "head": new}) != 1:
        raise ConflictError(
            ErrorCode.BRANCH_MOVED,
            f"{key} moved away from {old or 'its beginning'} meanwhile: look at it and repeat",
            branch=key.full,
            expected=old,
        )
    tx.add_event("branch-moved", key, commit=new, data={"old": old})
    if change is not None:
        tx.moved.append(Moved(key.full, change))


def set_open_commit(tx: Tx, key: BranchKey, id_: CommitId | None) -> None:
    """Record which commit a user has open on the branch."""
    tx.run(update(branches).where(branches.c.key == key.full).values(open_commit=id_))

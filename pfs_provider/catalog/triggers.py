"""Triggers: a branch that follows another one of its repo when conditions hold."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select

from pfs_provider.catalog.keys import branch_key, branch_of
from pfs_provider.catalog.tables import triggers
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Trigger
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey

__all__ = ["fire_triggers", "find_triggers", "find_watcher", "set_trigger"]


def find_triggers(tx: Tx, branches: Sequence[str]) -> dict[str, Trigger]:
    """Return the triggers of those branches that have one."""
    rows = tx.all(select(triggers).where(triggers.c.branch.in_(branches)))
    return {row.branch: _value(row) for row in rows}


def find_watcher(tx: Tx, branch: str) -> str | None:
    """Return a branch whose trigger watches this one."""
    found = tx.scalar(select(triggers.c.branch).where(triggers.c.watched == branch).limit(1))
    return None if found is None else str(found)


def set_trigger(tx: Tx, key: BranchKey, trigger: Trigger | None) -> None:
    """Give a branch this trigger instead of the one it had."""
    tx.run(delete(triggers).where(triggers.c.branch == key.full))
    if trigger is None:
        return
    tx.run(
        insert(triggers).values(
            branch=key.full,
            watched=branch_of(key.repo.full, trigger.branch),
            size=trigger.size,
            n_commits=trigger.commits,
            rate=trigger.rate,
            cron=trigger.cron,
            needs_all=trigger.all,
        )
    )


def _value(row: Row[Any]) -> Trigger:
    return Trigger(
        branch=branch_key(row.watched).name,
        size=row.size,
        commits=row.n_commits,
        rate=row.rate,
        cron=row.cron,
        all=row.needs_all,
    )


def fire_triggers(tx: Tx, branch: BranchKey, id_: CommitId) -> None:
    """Move what follows a branch on which a commit has just finished."""

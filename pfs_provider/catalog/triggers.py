"""Triggers: a branch that follows another one of its repo when conditions hold.

Invariants: only between branches of one repo, without circles; a fired trigger moves the head to
the very same commit, under the id of the change that fired it; a move by hand fires nothing.
Must not know: what propagation opens.

Source: semantics 2.5.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, insert, literal, select, update

from pfs_provider.catalog.commit_rows import fetch_commit
from pfs_provider.catalog.crons import check_cron, last_tick, next_tick
from pfs_provider.catalog.heads import find_branch_row, move_head
from pfs_provider.catalog.keys import branch_key, branch_of
from pfs_provider.catalog.tables import commits, provenance, triggers
from pfs_provider.catalog.transaction import Stale, Tx
from pfs_provider.catalog.values import Commit, Trigger
from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey

__all__ = [
    "find_triggers",
    "find_watcher",
    "fire_cron",
    "fire_triggers",
    "parse_size",
    "set_trigger",
]

_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGTP]?)(I?)B?", re.IGNORECASE)
_POWERS: Final = " KMGTP"


def find_triggers(tx: Tx, branches: Sequence[str]) -> dict[str, Trigger]:
    """Return the triggers of those branches that have one."""
    rows = tx.all(select(triggers).where(triggers.c.branch.in_(branches)))
    return {row.branch: _value(row) for row in rows}


def find_watcher(tx: Tx, branch: str) -> str | None:
    """Return a branch whose trigger watches this one."""
    found = tx.scalar(select(triggers.c.branch).where(triggers.c.watched == branch).limit(1))
    return None if found is None else str(found)


def set_trigger(tx: Tx, key: BranchKey, trigger: Trigger | None) -> None:
    """Give a branch this trigger instead of the one it had. The watched branch exists.

    Raises:
        RefusedError: ``trigger-illegal``: a circle, or a condition that cannot be read.
    """
    before = find_triggers(tx, [key.full]).get(key.full)
    if trigger == before:
        return
    tx.run(delete(triggers).where(triggers.c.branch == key.full))
    tx.add_event("branch-changed", key, data={"trigger": trigger is not None})
    if trigger is None:
        return
    watched = branch_of(key.repo.full, trigger.branch)
    _check(tx, key, trigger, watched)
    tx.run(
        insert(triggers).values(
            branch=key.full,
            watched=watched,
            size=trigger.size,
            n_commits=trigger.commits,
            rate=trigger.rate,
            cron=trigger.cron,
            needs_all=trigger.all,
            ticked=tx.now,
        )
    )


def _check(tx: Tx, key: BranchKey, trigger: Trigger, watched: str) -> None:
    if trigger.size is not None:
        parse_size(trigger.size)
    if trigger.commits is not None and trigger.commits < 0:
        raise _illegal(f"{trigger.commits} commits cannot be counted", branch=key.full)
    for cron in (trigger.rate, trigger.cron):
        if cron is not None:
            check_cron(cron)
    if trigger.cron is not None and (trigger.size or trigger.commits or trigger.rate):
        raise _illegal("a cron trigger has no other condition", branch=key.full)
    seen: str | None = watched
    while seen is not None:
        if seen == key.full:
            raise _illegal(f"{key} would follow itself", branch=key.full)
        seen = tx.scalar(select(triggers.c.watched).where(triggers.c.branch == seen))


def _illegal(why: str, **fields: object) -> RefusedError:
    return RefusedError(ErrorCode.TRIGGER_ILLEGAL, f"the trigger is illegal: {why}", **fields)


def parse_size(text: str) -> int:
    """Return bytes: ``10``, ``1K`` (1,000), ``1KiB`` (1,024), ``2.5M``.

    Raises:
        RefusedError: ``trigger-illegal``.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise _illegal(f"{text!r} is no size, write for example 1K or 10MiB", size=text)
    power = _POWERS.index((found[2] or " ").upper())
    return int(float(found[1]) * (1024 if found[3] else 1000) ** power)


def fire_triggers(tx: Tx, branch: BranchKey, id_: CommitId) -> None:
    """Move what follows a branch on which a commit has just finished without error."""
    watchers = tx.all(
        select(triggers).where(triggers.c.watched == branch.full, triggers.c.cron.is_(None))
    )
    if not watchers:
        return
    commit = fetch_commit(tx, branch.repo, id_)
    for row in watchers:
        key = branch_key(row.branch)
        target = find_branch_row(tx, key)
        head = None if target is None else target.head
        if commit is None or head == id_ or not _is_due(tx, _value(row), head, commit):
            continue
        change = tx.change if tx.change is not None else id_
        move_head(tx, key, old=head, new=id_, change=change)
        fire_triggers(tx, key, id_)


def _is_due(tx: Tx, trigger: Trigger, head: str | None, commit: Commit) -> bool:
    old = None if head is None else fetch_commit(tx, commit.repo, head)
    holds = list(_conditions(tx, trigger, old, commit))
    # Without any condition the branch follows every commit.
    return all(holds) if trigger.all or not holds else any(holds)


def _conditions(tx: Tx, trigger: Trigger, old: Commit | None, commit: Commit) -> Iterator[bool]:
    if trigger.size is not None:
        grown = (commit.size or 0) - (0 if old is None else old.size or 0)
        yield grown >= parse_size(trigger.size)
    if trigger.commits is not None:
        yield _has_steps(tx, commit, old, trigger.commits)
    if trigger.rate is not None:
        since = None if old is None else old.finished
        yield since is None or next_tick(trigger.rate, since) <= (commit.finished or tx.now)


def _has_steps(tx: Tx, commit: Commit, old: Commit | None, wanted: int) -> bool:
    """Return whether there are that many commits behind ``old`` up to ``commit``."""
    if wanted == 0:
        return True
    columns = (commits.c.id, commits.c.parent)
    walk = (
        select(*columns, literal(1).label("step"))
        .where(commits.c.repo == commit.repo.full, commits.c.id == commit.id)
        .cte("walk", recursive=True)
    )
    older = select(*columns, walk.c.step + 1).where(
        commits.c.repo == commit.repo.full, commits.c.id == walk.c.parent, walk.c.step < wanted
    )
    if old is not None:
        older = older.where(commits.c.id != old.id)
    walk = walk.union_all(older)
    return tx.first(select(walk.c.id).where(walk.c.step == wanted)) is not None


def fire_cron(tx: Tx, now: datetime) -> tuple[BranchKey, ...]:
    """Move the branches whose cron trigger has ticked since the last time; return them.

    Ticks that were missed count as one. A tick causes what is downstream even if the watched branch
    has not moved; one whose watched branch has no commit yet passes without effect.
    """
    fired = []
    for row in tx.all(select(triggers).where(triggers.c.cron.is_not(None))):
        tick = last_tick(row.cron, after=row.ticked, until=now)
        if tick is None:
            continue
        tx.run(update(triggers).where(triggers.c.branch == row.branch).values(ticked=tick))
        key = branch_key(row.branch)
        if _tick(tx, key, branch_key(row.watched)):
            fired.append(key)
    return tuple(fired)


def _tick(tx: Tx, key: BranchKey, watched: BranchKey) -> bool:
    source, target = find_branch_row(tx, watched), find_branch_row(tx, key)
    if source is None or target is None or source.head is None:
        return False
    if source.head != target.head:
        change = tx.change if tx.change is not None else CommitId(source.head)
        move_head(tx, key, old=target.head, new=CommitId(source.head), change=change)
        fire_triggers(tx, key, CommitId(source.head))
        return True
    change = tx.new_change()
    below = tx.all(
        select(provenance.c.branch).where(
            provenance.c.input == key.full, provenance.c.propagate.is_(True)
        )
    )
    tx.stale += [Stale(row.branch, change, forced=True) for row in below]
    return True


def _value(row: Row[Any]) -> Trigger:
    return Trigger(
        branch=branch_key(row.watched).name,
        size=row.size,
        commits=row.n_commits,
        rate=row.rate,
        cron=row.cron,
        all=row.needs_all,
    )

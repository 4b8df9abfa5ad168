"""Reading the events. They are appended by ``Tx.add_event``, in the transaction of the act itself.

Invariants: numbers begin at 1, have no gaps, and a reader who has seen n never misses a
smaller number that commits later (writers are serialised). Events are hints; the other tables are
the truth. Must not know: who listens.
"""

from sqlalchemy import func, select

from pfs_provider.catalog.tables import events
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Event

__all__ = ["last_event_number", "list_events"]


def list_events(tx: Tx, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
    """Return the events with greater numbers, in order, at most ``limit``."""
    tx.flush_events()
    query = select(events).where(events.c.number > after).order_by(events.c.number).limit(limit)
    return tuple(
        Event(
            number=row.number,
            kind=row.kind,
            at=row.at,
            project=row.project,
            repo=row.repo,
            branch=row.branch,
            commit=row.commit,
            pipeline=row.pipeline,
            state=row.state,
            data=row.data or {},
        )
        for row in tx.all(query)
    )


def last_event_number(tx: Tx) -> int:
    """Return the greatest number given so far, 0 before the first."""
    tx.flush_events()
    return int(tx.scalar(select(func.max(events.c.number))) or 0)

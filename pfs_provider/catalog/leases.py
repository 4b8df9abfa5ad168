"""Named leases: claims that end by themselves when their owner stops renewing them.

Invariants: one owner a name at a time; time is the transaction's. Must not know: what is claimed.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from pfs_provider.catalog.tables import leases
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Lease
from pfs_provider.errors import ConflictError, ErrorCode

__all__ = ["acquire_lease", "find_last_lease", "find_lease", "release_lease", "renew_lease"]


def acquire_lease(tx: Tx, name: str, *, owner: str, lease_s: float) -> bool:
    """Claim a name for ``lease_s`` seconds from now; return whether the owner has it now.

    Idempotent: an owner that has it already prolongs it.
    """
    until = tx.now + timedelta(seconds=lease_s)
    taken = update(leases).where(
        leases.c.name == name, (leases.c.owner == owner) | (leases.c.until < tx.now)
    )
    if tx.run(taken.values(owner=owner, until=until)) == 1:
        return True
    if tx.first(select(leases.c.name).where(leases.c.name == name)) is not None:
        return False
    tx.run(insert(leases).values(name=name, owner=owner, until=until))
    return True


def renew_lease(tx: Tx, name: str, *, owner: str, lease_s: float) -> None:
    """Prolong a claim to ``lease_s`` seconds from now.

    Raises:
        ConflictError: ``lease-lost``: it ran out, or somebody else has it.
    """
    mine = update(leases).where(
        leases.c.name == name, leases.c.owner == owner, leases.c.until >= tx.now
    )
    if tx.run(mine.values(until=tx.now + timedelta(seconds=lease_s))) != 1:
        raise ConflictError(
            ErrorCode.LEASE_LOST,
            f"{owner} does not hold the lease {name} any more: acquire it again",
            name=name,
            owner=owner,
        )


def release_lease(tx: Tx, name: str, *, owner: str) -> None:
    """Give a claim back. Harmless if the owner does not have it."""
    tx.run(delete(leases).where(leases.c.name == name, leases.c.owner == owner))


def find_lease(tx: Tx, name: str) -> Lease | None:
    """Return a lease that holds now, None if the name is free."""
    row = tx.first(select(leases).where(leases.c.name == name, leases.c.until >= tx.now))
    return None if row is None else _value(row)


def find_last_lease(tx: Tx, name: str) -> Lease | None:
    """Return a lease, also one that has run out; None where it was given back or never claimed."""
    row = tx.first(select(leases).where(leases.c.name == name))
    return None if row is None else _value(row)


def _value(row: Row[Any]) -> Lease:
    return Lease(name=row.name, owner=row.owner, until=row.until)

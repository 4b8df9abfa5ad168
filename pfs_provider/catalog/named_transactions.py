"""Named transactions while they are collected: what was asked for under one change id.

Nothing in them has happened; whoever finishes one runs the requests in one ``Catalog.write``.
Must not know: what a request says.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from pfs_provider.catalog.tables import transactions
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import NamedTransaction
from pfs_provider.errors import ErrorCode, NotFoundError
from pfs_provider.refs.ids import CommitId

__all__ = [
    "add_request",
    "create_transaction",
    "delete_transaction",
    "get_transaction",
    "list_transactions",
]


def create_transaction(tx: Tx, id_: CommitId) -> NamedTransaction:
    """Begin to collect requests under a change id."""
    tx.run(insert(transactions).values(id=id_, started=tx.now, requests=[]))
    return get_transaction(tx, id_)


def get_transaction(tx: Tx, id_: CommitId) -> NamedTransaction:
    """Return what was collected. Raises NotFoundError ``transaction-not-found``."""
    row = tx.first(select(transactions).where(transactions.c.id == id_))
    if row is None:
        raise NotFoundError(
            ErrorCode.TRANSACTION_NOT_FOUND,
            f"transaction {id_} does not exist: see `pfs list transaction`",
            id=id_,
        )
    return _value(row)


def list_transactions(tx: Tx) -> tuple[NamedTransaction, ...]:
    """Return all that are being collected, oldest first."""
    query = select(transactions).order_by(transactions.c.started, transactions.c.id)
    return tuple(_value(row) for row in tx.all(query))


def add_request(tx: Tx, id_: CommitId, request: Mapping[str, object]) -> NamedTransaction:
    """Append a request, plain JSON values. Raises NotFoundError ``transaction-not-found``."""
    before = get_transaction(tx, id_)
    requests = [dict(one) for one in (*before.requests, request)]
    tx.run(update(transactions).where(transactions.c.id == id_).values(requests=requests))
    return get_transaction(tx, id_)


def delete_transaction(tx: Tx, id_: CommitId) -> None:
    """Forget a transaction. Raises NotFoundError ``transaction-not-found``."""
    get_transaction(tx, id_)
    tx.run(delete(transactions).where(transactions.c.id == id_))


def _value(row: Row[Any]) -> NamedTransaction:
    return NamedTransaction(id=row.id, started=row.started, requests=tuple(row.requests))

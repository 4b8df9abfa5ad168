"""Transactions that outlive a process: requests are kept in the catalog until all are done as one.

Each request is tried when it is added, on top of those before it, and undone. Finishing runs all of
them in one database transaction under one change id and forgets the record in the same one, so it
happens once or not at all. Files are no part of it: they go into the commits that a transaction
started, once it is finished.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, cast

from pfs_provider.catalog import named_transactions
from pfs_provider.catalog.values import NamedTransaction
from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.refs.ids import CommitId, parse_id
from pfs_provider.verbs.session import Session

__all__ = ["RECORDED", "Recorder", "TransactionInfo", "TransactionVerbs"]

RECORDED = frozenset(
    {
        "create_branch",
        "create_pipeline",
        "create_project",
        "create_repo",
        "delete_branch",
        "delete_commit",
        "delete_pipeline",
        "delete_project",
        "delete_repo",
        "finish_commit",
        "rerun_pipeline",
        "squash_commit",
        "start_commit",
        "start_pipeline",
        "stop_pipeline",
        "update_pipeline",
    }
)
"""What a named transaction may hold: acts on the catalog whose arguments are plain JSON values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionInfo:
    """A transaction that is being collected.

    ``id`` becomes the change's; ``requests`` are verbs with arguments.
    """

    id: str
    started: datetime
    requests: tuple[Mapping[str, object], ...]


class Recorder:
    """Stands for the façade: a verb called on it is tried and kept, to be done at the end."""

    def __init__(self, add: Callable[..., object]) -> None:
        self._add = add

    def __getattr__(self, verb: str) -> Callable[..., object]:
        if verb not in RECORDED:
            raise ConflictError(
                ErrorCode.IN_USE,
                f"{verb.replace('_', ' ')} cannot be part of a transaction: finish it, or leave it "
                "with `pfs stop transaction`",
            )
        return partial(self._add, verb)


class TransactionVerbs(Session):
    """Named transactions."""

    def start_transaction(self) -> TransactionInfo:
        """Begin to collect requests under a new change id."""
        with self._versions.catalog.write() as tx:
            return _info(named_transactions.create_transaction(tx, self._new_id()))

    def list_transactions(self) -> list[TransactionInfo]:
        """Return all that are being collected, oldest first."""
        with self._versions.catalog.read() as tx:
            return [_info(kept) for kept in named_transactions.list_transactions(tx)]

    def inspect_transaction(self, transaction: str) -> TransactionInfo:
        """Return one. Raises NotFoundError ``transaction-not-found``."""
        return _info(self._get_kept(parse_id(transaction)))

    def delete_transaction(self, transaction: str) -> None:
        """Forget what was collected; none of it happens."""
        checked = parse_id(transaction)
        with self._versions.catalog.write() as tx:
            named_transactions.delete_transaction(tx, checked)

    def record(self, transaction: str) -> Recorder:
        """Return what adds requests to a transaction: call the façade's verbs on it.

        Raises:
            NotFoundError: ``transaction-not-found``.
        """
        checked = parse_id(transaction)
        self._get_kept(checked)
        return Recorder(partial(self._add_request, checked))

    def finish_transaction(self, transaction: str) -> TransactionInfo:
        """Do all that was collected, as one change or not at all.

        Raises:
            NotFoundError: ``transaction-not-found``: also when it was finished meanwhile.
            PfsError: A request cannot be done any more. Nothing was done; the transaction stays.
        """
        checked = parse_id(transaction)
        kept = self._get_kept(checked)
        self._begin(checked)
        try:
            self._replay(kept)
            self._act(lambda tx: named_transactions.delete_transaction(tx, checked))
        except BaseException:
            self._end(keep=False)
            raise
        self._end(keep=True)
        return _info(kept)

    def _add_request(self, transaction: CommitId, verb: str, *args: Any, **options: Any) -> object:
        kept = self._get_kept(transaction)
        self._begin(transaction)
        try:
            self._replay(kept)
            value: object = getattr(self, verb)(*args, **options)
        finally:
            self._end(keep=False)
        request = {"verb": verb, "args": list(args), "options": options}
        with self._versions.catalog.write() as tx:
            named_transactions.add_request(tx, transaction, request)
        return value

    def _replay(self, kept: NamedTransaction) -> None:
        for request in kept.requests:
            args = cast("list[object]", request["args"])
            options = cast("dict[str, object]", request["options"])
            getattr(self, str(request["verb"]))(*args, **options)

    def _get_kept(self, transaction: CommitId) -> NamedTransaction:
        with self._versions.catalog.read() as tx:
            return named_transactions.get_transaction(tx, transaction)


def _info(kept: NamedTransaction) -> TransactionInfo:
    return TransactionInfo(id=kept.id, started=kept.started, requests=kept.requests)

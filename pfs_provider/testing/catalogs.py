"""A catalog that goes wrong on purpose, and one mishap for all that a process talks to.

    mishap = Mishap(7, Fault.KILLED_AFTER)          the eighth call, to whichever of the two
    catalog = FaultyCatalog(url, clock=…, ids=…, mishap=mishap)
    store = FaultyStore(MemoryStore(), mishap.plan)

To try a fault at every call: go on with the next number until `Mishap.has_struck` stays False.
A transaction is two calls, its begin and its end, so that a process can die before it, inside it
and right after its commit. Must not know: what the rows mean.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pfs_provider.catalog.database import Catalog
from pfs_provider.catalog.transaction import Tx
from pfs_provider.clock import Clock, IdSource
from pfs_provider.errors import ErrorCode, PfsError, UnavailableError, UnknownOutcomeError
from pfs_provider.refs.ids import CommitId
from pfs_provider.testing.stores import Call, Fault, KilledError

__all__ = ["FaultyCatalog", "Mishap"]

DEADLY = frozenset({Fault.KILLED_BEFORE, Fault.KILLED_AFTER})
WRITES = frozenset({"create", "replace", "delete", "commit"})
STRUCK = {
    Fault.REPEATED: frozenset({"create"}),
    Fault.LOST_ANSWER: WRITES,
    Fault.LOST_REQUEST: WRITES,
}
"""Verbs that a fault makes a difference to; to all where it is not named here."""


class Mishap:
    """One fault at one call of one process, counted over all that it talks to.

    Only calls are counted that the fault makes a difference to: the answer to a read that is lost
    is a read that was refused.

    Args:
        at: Number of the call, from 0; None lets everything pass.
        fault: What goes wrong there. After a deadly one every later call dies too.
    """

    def __init__(self, at: int | None = None, fault: Fault = Fault.KILLED_BEFORE) -> None:
        self.calls: list[str] = []
        self._at = at
        self._fault = fault
        self._lock = threading.Lock()

    @property
    def has_struck(self) -> bool:
        """Whether the call was made that the fault was meant for."""
        return self._at is not None and len(self.calls) > self._at

    def plan(self, call: Call) -> Fault | None:
        """Decide for a FaultyStore."""
        return self.ask(f"{call.verb} {call.key}")

    def ask(self, call: str) -> Fault | None:
        """Count a call and return what goes wrong with it."""
        verbs = STRUCK.get(self._fault)
        if verbs is not None and call.partition(" ")[0] not in verbs:
            return None
        with self._lock:
            if self.has_struck and self._fault in DEADLY:
                return Fault.KILLED_BEFORE
            number = len(self.calls)
            self.calls.append(call)
        return self._fault if number == self._at else None


class FaultyCatalog(Catalog):
    """A catalog whose transactions are spoiled by a mishap."""

    def __init__(self, url: str, *, clock: Clock, ids: IdSource, mishap: Mishap) -> None:
        super().__init__(url, clock=clock, ids=ids)
        self._mishap = mishap

    @contextmanager
    def write(self, *, change: CommitId | None = None) -> Iterator[Tx]:
        """Give a transaction, or fail: before it, at its commit, or with its answer lost."""
        _spoil_before(self._mishap.ask("begin"))
        with super().write(change=change) as tx:
            yield tx
            fault = self._mishap.ask("commit")
            _spoil_before(fault)  # rolls back
        if fault is Fault.KILLED_AFTER:
            raise KilledError
        if fault is Fault.LOST_ANSWER:
            raise _unknown()

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Give a transaction that keeps nothing, or fail."""
        _spoil_before(self._mishap.ask("read rows"))
        with super().read() as tx:
            yield tx


def _spoil_before(fault: Fault | None) -> None:
    if fault is Fault.KILLED_BEFORE:
        raise KilledError
    if fault in {Fault.REFUSED, Fault.FULL}:
        raise UnavailableError(ErrorCode.CATALOG_UNAVAILABLE, f"planned fault: {fault}")
    if fault is Fault.LOST_REQUEST:
        raise _unknown()


def _unknown() -> PfsError:
    return UnknownOutcomeError(ErrorCode.WRITE_UNKNOWN, "planned fault: the answer was lost")

"""Stores that go wrong on purpose, and one that lacks what the engine rests on.

    plan = fail_at(3, Fault.LOST_ANSWER)            the fourth call works, then says "unknown"
    store = FaultyStore(MemoryStore(), plan)        store.calls tells what was asked

To try a fault at every call: run once with `no_faults` and count ``store.calls``, then once per
number. Must not know: what the objects hold.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from pfs_provider.errors import ErrorCode, UnavailableError, UnknownOutcomeError
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.storage.stores.port import Data, ObjectInfo, ObjectStore, Traits

__all__ = [
    "Call",
    "Fault",
    "FaultPlan",
    "FaultyStore",
    "KilledError",
    "OverwritingStore",
    "fail_always",
    "fail_at",
    "no_faults",
]


class Fault(Enum):
    """What goes wrong with one call."""

    REFUSED = "nothing is done; store-unavailable"
    FULL = "nothing is done; store-full (a write) or store-unavailable"
    LOST_ANSWER = "it is done; then write-unknown (a write) or store-unavailable"
    LOST_REQUEST = "nothing is done; then write-unknown (a write) or store-unavailable"
    REPEATED = "it is done, but create tells that the object was there"
    KILLED_BEFORE = "nothing is done; the process is dead from now on"
    KILLED_AFTER = "it is done; the process is dead from now on"
    DAMAGED = "a read gives other bytes"


@dataclass(frozen=True, slots=True)
class Call:
    """One call to a store, numbered from 0."""

    number: int
    verb: str
    key: str

    @property
    def is_write(self) -> bool:
        """Whether the call changes the store."""
        return self.verb in {"create", "replace", "delete"}


FaultPlan = Callable[[Call], Fault | None]
"""Decides what goes wrong with a call; asked once per call, from any thread."""


class KilledError(BaseException):
    """Stands for kill -9: no handler of ordinary errors sees it, and nothing works afterwards."""


def no_faults(call: Call) -> Fault | None:  # noqa: ARG001  # it is a plan
    """Let everything pass."""
    return None


def fail_at(number: int, fault: Fault) -> FaultPlan:
    """Return the plan that spoils the call of that number alone."""
    return lambda call: fault if call.number == number else None


def fail_always(fault: Fault, *, verb: str | None = None, prefix: str = "") -> FaultPlan:
    """Return the plan that spoils every call of a verb on keys that begin with a text."""

    def plan(call: Call) -> Fault | None:
        wanted = verb in {None, call.verb} and call.key.startswith(prefix)
        return fault if wanted else None

    return plan


class FaultyStore:
    """An ObjectStore around another, spoiled by a plan."""

    def __init__(self, store: ObjectStore, plan: FaultPlan = no_faults) -> None:
        self.store = store
        self.plan = plan
        self.calls: list[Call] = []
        self._dead = False
        self._lock = threading.Lock()

    @property
    def traits(self) -> Traits:
        """Those of the store inside, except that its files cannot be read past this one."""
        inner = self.store.traits
        return Traits(name=inner.name, conditional_create=inner.conditional_create, is_near=True)

    def create(self, key: str, data: Data) -> bool:
        """Store an object if there is none of that name, or fail by plan."""
        call, fault = self._begin("create", key)
        made = self.store.create(key, data)
        self._end(call, fault)
        return made and fault is not Fault.REPEATED

    def replace(self, key: str, data: Data) -> None:
        """Store an object over whatever is there, or fail by plan."""
        call, fault = self._begin("replace", key)
        self.store.replace(key, data)
        self._end(call, fault)

    def read(self, key: str, *, start: int = 0, stop: int | None = None) -> bytes:
        """Return bytes of an object, or fail by plan."""
        call, fault = self._begin("read", key)
        data = self.store.read(key, start=start, stop=stop)
        self._end(call, fault)
        return _damage(data) if fault is Fault.DAMAGED else data

    def find(self, key: str) -> ObjectInfo | None:
        """Return what is known of an object, or fail by plan."""
        call, fault = self._begin("find", key)
        info = self.store.find(key)
        self._end(call, fault)
        return info

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose keys begin with the text, or fail by plan."""
        call, fault = self._begin("list", prefix)
        yield from self.store.list(prefix)
        self._end(call, fault)

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects, or fail by plan."""
        known = tuple(keys)
        call, fault = self._begin("delete", " ".join(known))
        self.store.delete(known)
        self._end(call, fault)

    def _begin(self, verb: str, key: str) -> tuple[Call, Fault | None]:
        with self._lock:
            if self._dead:
                raise KilledError
            call = Call(len(self.calls), verb, key)
            self.calls.append(call)
            fault = self.plan(call)
            self._dead = fault in {Fault.KILLED_BEFORE, Fault.KILLED_AFTER}
        if fault is Fault.KILLED_BEFORE:
            raise KilledError
        if fault is Fault.LOST_REQUEST:
            raise _unknown(call)
        if fault in {Fault.REFUSED, Fault.FULL}:
            full = fault is Fault.FULL and call.is_write
            code = ErrorCode.STORE_FULL if full else ErrorCode.STORE_UNAVAILABLE
            raise UnavailableError(code, f"planned fault: {fault.value}", key=key)
        return call, fault

    @staticmethod
    def _end(call: Call, fault: Fault | None) -> None:
        if fault is Fault.KILLED_AFTER:
            raise KilledError
        if fault is Fault.LOST_ANSWER:
            raise _unknown(call)


class OverwritingStore(MemoryStore):
    """A store without conditional create: it overwrites, as some S3 look-alikes do."""

    @property
    def traits(self) -> Traits:
        """Tells what it lacks."""
        return Traits(name="overwriting://", conditional_create=False, is_near=True)

    def create(self, key: str, data: Data) -> bool:
        """Overwrite whatever is there."""
        self.replace(key, data)
        return True


def _unknown(call: Call) -> UnknownOutcomeError | UnavailableError:
    message = f"planned fault: the answer to {call.verb} {call.key} was lost"
    if call.is_write:
        return UnknownOutcomeError(ErrorCode.WRITE_UNKNOWN, message, key=call.key)
    return UnavailableError(ErrorCode.STORE_UNAVAILABLE, message, key=call.key)


def _damage(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0x01]) + data[middle + 1 :] if data else b"?"

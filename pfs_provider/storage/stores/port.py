"""The port to an object store: six verbs that every implementation answers in the same way.

Invariants: keys are relative, ``/``-separated ASCII; an object is visible whole or not at all;
what ``create`` stored stays as it is. All verbs may be called from any thread, any number at once.
Must not know: what the objects hold.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

__all__ = ["Data", "ObjectInfo", "ObjectStore", "Traits"]

Data = bytes | bytearray | memoryview
"""What may be stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """An object that exists. ``modified`` is the store's own clock, UTC."""

    key: str
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a store can and is.

    Attributes:
        name: The URL without secrets, for messages.
        conditional_create: ``create`` is decided by the store; the engine refuses a store without.
        folder: Where objects are plain files of this machine, named by key; else None.
        is_near: A read takes less than handing it to another thread.
    """

    name: str
    conditional_create: bool = True
    folder: Path | None = None
    is_near: bool = False


class ObjectStore(Protocol):
    """Keeps objects by key.

    Every verb raises UnavailableError: ``store-unavailable`` (no answer after the client's own
    retries), ``store-read-only`` (permission) or ``store-full``; nothing was changed then.
    """

    @property
    def traits(self) -> Traits:
        """What this store can and is; never changes."""

    def create(self, key: str, data: Data) -> bool:
        """Store an object if there is none of that name; return whether this call made it.

        True is only told if this call made it. False means that an object was there, which may be
        this call's own if the client repeated a request: callers that care read back and compare.

        Raises:
            UnknownOutcomeError: ``write-unknown``: it may have happened; read back or repeat.
        """

    def replace(self, key: str, data: Data) -> None:
        """Store an object over whatever is there, whole. For the few mutable objects only.

        Raises:
            UnknownOutcomeError: ``write-unknown``: the old or the new object is there.
        """

    def read(self, key: str, *, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes ``start <= i < stop`` of an object; fewer where it ends earlier.

        Raises:
            NotFoundError: ``object-not-found``.
        """

    def find(self, key: str) -> ObjectInfo | None:
        """Return what is known of an object, None if there is none."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose keys begin with the text, sorted by key, as they arrive."""

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are not there are passed over."""

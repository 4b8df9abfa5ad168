"""A store in this process's memory: for tests and for trying things out.

Invariant: ``objects`` holds exactly what was stored; tests may look at and damage it.
"""

import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from pfs_provider.clock import Clock, SystemClock
from pfs_provider.errors import ErrorCode, NotFoundError
from pfs_provider.storage.stores.port import Data, ObjectInfo, Traits

__all__ = ["MemoryStore"]


class MemoryStore:
    """An ObjectStore over a dict."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self.objects: dict[str, bytes] = {}
        self._times: dict[str, datetime] = {}
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()

    @property
    def traits(self) -> Traits:
        """What this store can and is."""
        return Traits(name="memory://", is_near=True)

    def create(self, key: str, data: Data) -> bool:
        """Store an object if there is none of that name; return whether this call made it."""
        with self._lock:
            if key in self.objects:
                return False
            self._put(key, data)
            return True

    def replace(self, key: str, data: Data) -> None:
        """Store an object over whatever is there."""
        with self._lock:
            self._put(key, data)

    def read(self, key: str, *, start: int = 0, stop: int | None = None) -> bytes:
        """Return bytes of an object. Raises NotFoundError ``object-not-found``."""
        data = self.objects.get(key)
        if data is None:
            raise NotFoundError(
                ErrorCode.OBJECT_NOT_FOUND, f"memory:// has no object {key}", key=key
            )
        return data[start:stop]

    def find(self, key: str) -> ObjectInfo | None:
        """Return what is known of an object, None if there is none."""
        with self._lock:
            data = self.objects.get(key)
            if data is None:
                return None
            modified = self._times.get(key, datetime.fromtimestamp(0, UTC))
        return ObjectInfo(key=key, size=len(data), modified=modified)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose keys begin with the text, sorted by key."""
        with self._lock:
            keys = sorted(key for key in self.objects if key.startswith(prefix))
        for key in keys:
            info = self.find(key)
            if info is not None:
                yield info

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are not there are passed over."""
        with self._lock:
            for key in keys:
                self.objects.pop(key, None)
                self._times.pop(key, None)

    def _put(self, key: str, data: Data) -> None:
        self.objects[key] = bytes(data)
        self._times[key] = self._clock.now()

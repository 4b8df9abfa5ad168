"""The handle that every verb of this room takes: the store, a page cache and one bounded pool.

Invariants: content-addressed writes may be repeated, so an unknown outcome is settled by repeating;
nothing else of this room retries. Thread-safe.
Must not know: repos, SQL.
"""

import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from tenacity import (
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from pfs_provider.clock import Clock
from pfs_provider.closing import Closing
from pfs_provider.errors import ErrorCode, PfsError
from pfs_provider.storage.stores.port import Data, ObjectStore

__all__ = ["POOL_SIZE", "Storage"]

POOL_SIZE = 8
"""Threads; each holds at most one pack or chunk, so memory stays below some 128 MiB."""

_CACHE_BYTES = 64 * 1024 * 1024
_ATTEMPTS = 4
_REPEATABLE = {ErrorCode.WRITE_UNKNOWN, ErrorCode.STORE_UNAVAILABLE}


class Storage(Closing):
    """Where all verbs of this room read and write.

    Args:
        store: Where objects lie.
        clock: Waits between repeats, and dates files.
    """

    def __init__(self, store: ObjectStore, *, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.pool = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="pfs-storage")
        self.cache = ObjectCache(_CACHE_BYTES)
        self.is_near = store.traits.is_near
        self._repeat = Retrying(
            stop=stop_after_attempt(_ATTEMPTS),
            # from tens of milliseconds to two seconds, spread so that many writers do not march
            wait=wait_exponential(multiplier=0.05, max=2) + wait_random(0, 0.05),
            retry=retry_if_exception(_is_repeatable),
            sleep=clock.sleep,
            reraise=True,
        )

    def put(self, key: str, data: Data) -> bool:
        """Store a content-addressed object unless it is there; idempotent, repeated on trouble.

        Returns:
            Whether this call surely made it.

        Raises:
            UnknownOutcomeError: ``write-unknown`` after some repeats.
            UnavailableError: ``store-unavailable``, ``store-read-only`` or ``store-full``.
        """
        made: bool = self._repeat(self.store.create, key, data)
        return made

    def get(self, key: str, *, start: int = 0, stop: int | None = None) -> bytes:
        """Return bytes of an object, repeated on trouble. Raises as ``ObjectStore.read``."""
        data: bytes = self._repeat(self.store.read, key, start=start, stop=stop)
        return data

    def has(self, key: str) -> bool:
        """Return whether there is an object of that name."""
        return self._repeat(self.store.find, key) is not None

    def close(self) -> None:
        """Stop the pool's threads. Idempotent."""
        self.pool.shutdown(wait=True, cancel_futures=True)


class ObjectCache:
    """Keeps what was decoded last, by name, up to a number of bytes. Thread-safe."""

    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        self._items: OrderedDict[bytes, tuple[object, int]] = OrderedDict()

    def find(self, name: bytes) -> object | None:
        """Return what is kept under the name, None if nothing."""
        with self._lock:
            item = self._items.get(name)
            if item is None:
                return None
            self._items.move_to_end(name)
            return item[0]

    def put(self, name: bytes, value: object, size: int) -> None:
        """Keep a value of that many bytes, dropping the longest unused."""
        with self._lock:
            if name in self._items:
                return
            self._items[name] = (value, size)
            self._bytes += size
            while self._bytes > self._max and len(self._items) > 1:
                _, (_, dropped) = self._items.popitem(last=False)
                self._bytes -= dropped


def _is_repeatable(error: BaseException) -> bool:
    return isinstance(error, PfsError) and error.code in _REPEATABLE

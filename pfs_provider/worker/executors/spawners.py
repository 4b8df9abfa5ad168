"""Keeps one spawner alive for an executor: started with the first task, again if it died.

Invariant: after ``close`` none is started. Must not know: tasks.
"""

import sys
import threading
from collections.abc import Sequence

from pfs_provider.clock import Clock
from pfs_provider.errors import ErrorCode, FailedError
from pfs_provider.worker.executors.client import SpawnerClient

__all__ = ["Spawners"]


class Spawners:
    """The current spawner of one executor. Any thread may call; arguments as SpawnerClient's."""

    def __init__(
        self, mode: str, *, clock: Clock, python: str = sys.executable, prefix: Sequence[str] = ()
    ) -> None:
        self._mode = mode
        self._clock = clock
        self._python = python
        self._prefix = tuple(prefix)
        self._lock = threading.Lock()
        self._current: SpawnerClient | None = None
        self._is_closed = False

    def get(self) -> SpawnerClient:
        """Return a spawner that runs. Raises FailedError ``worker-failed`` after ``close``."""
        with self._lock:
            if self._is_closed:
                raise FailedError(ErrorCode.WORKER_FAILED, "the executor is closed; make a new one")
            if self._current is None or not self._current.is_alive:
                if self._current is not None:
                    self._current.close()
                self._current = SpawnerClient(
                    self._mode, clock=self._clock, python=self._python, prefix=self._prefix
                )
            return self._current

    def close(self) -> None:
        """End the spawner with all its tasks. Idempotent."""
        with self._lock:
            self._is_closed = True
            current, self._current = self._current, None
        if current is not None:
            current.close()

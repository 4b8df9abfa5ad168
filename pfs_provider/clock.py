"""Time and identity as arguments: every other module takes a Clock or an IdSource.

Invariant: times are aware UTC. Must not know: anything of this project.
"""

import time
import uuid
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "IdSource", "RandomIds", "SystemClock"]


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences mean something."""

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""


class IdSource(Protocol):
    """Makes ids that nobody else makes."""

    def new_id(self) -> str:
        """Return 32 lower-case hex digits, never the same twice."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences mean something."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        time.sleep(seconds)


class RandomIds:
    """Random ids (UUID version 4 without dashes, as Pachyderm's)."""

    def new_id(self) -> str:
        """Return 32 lower-case hex digits, never the same twice."""
        return uuid.uuid4().hex

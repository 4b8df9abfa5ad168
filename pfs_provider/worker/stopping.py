"""Telling a worker to end, from a signal handler too.

A signal handler runs between any two instructions of the main thread, another signal's handler
included, so it must take no lock: ``threading.Event.set`` does, and two signals in a row have made
a worker wait for itself for ever. Must not know: who looks.
"""

from typing import Protocol

__all__ = ["StopFlag", "StopSign"]


class StopFlag(Protocol):
    """What a session asks and may set itself; a ``threading.Event`` is one too."""

    def set(self) -> None:
        """Have the session end soon. Any thread, any number of times."""

    def is_set(self) -> bool:
        """Return whether it is to end."""


class StopSign:
    """A flag without a lock: setting it is one assignment."""

    __slots__ = ("_is_set",)

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        """Have the session end soon."""
        self._is_set = True

    def is_set(self) -> bool:
        """Return whether it is to end."""
        return self._is_set

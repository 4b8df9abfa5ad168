"""Ends one task from another thread: a descriptor that whoever follows the task watches too.

Invariant: setting it while nothing runs does nothing to the next task, for it is cleared before
each. Must not know: what runs, why it is to end.
"""

import os
from contextlib import suppress

__all__ = ["Interrupt"]


class Interrupt:
    """A flag that can be polled. Any thread may call."""

    def __init__(self) -> None:
        self._descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def set(self) -> None:
        """Have the task end, by signal 9."""
        os.eventfd_write(self._descriptor, 1)

    def clear(self) -> None:
        """Forget that it was set."""
        with suppress(BlockingIOError):  # it was not
            os.eventfd_read(self._descriptor)

    def fileno(self) -> int:
        """Return the descriptor, readable while it is set."""
        return self._descriptor

    def close(self) -> None:
        """Let go of the descriptor. Idempotent."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()

"""Takes what a command writes from a pipe or FIFO into its log, as it comes.

Invariants: nothing here waits, so one thread can follow a task and take its output; all is taken,
whatever the log keeps, so the command never waits for long. Must not know: what a command is, or
how its end is told.
"""

import contextlib
import fcntl
import os
import select

from pfs_provider.clock import Clock
from pfs_provider.errors import ErrorCode, FailedError
from pfs_provider.worker.executors.logs import LogWriter

__all__ = ["KILL_S", "OutputTaker", "lost"]

KILL_S = 60.0
"""How long processes may take to die; they do at once unless a network mount hangs."""
_BLOCK_BYTES = 1 << 16
_LARGE_PIPE_BYTES = 1 << 20


class OutputTaker:
    """The end of a command's output that is read. One thread uses it.

    Args:
        source: A descriptor that does not block; stays the caller's.
        log: Gets all of it.
        poll: Watches the descriptor until its end.
    """

    def __init__(self, source: int, log: LogWriter, poll: select.poll) -> None:
        self.source = source
        self._log = log
        self._poll = poll
        self._is_large = False
        poll.register(source, select.POLLIN)

    def take(self) -> bool:
        """Take one block; return False at the end or when there is none now."""
        return bool(self._take())

    def _take(self) -> bytes | None:
        """Take one block; return nothing at the end, None when there is none now."""
        try:
            data = os.read(self.source, _LARGE_PIPE_BYTES)
        except BlockingIOError:
            return None
        if data:
            self._log.write(data)
            self._enlarge(len(data))
        else:
            with contextlib.suppress(KeyError):  # the last writer left, and was seen before
                self._poll.unregister(self.source)
        return data

    def drain(self) -> None:
        """Take what was written before the last process ended."""
        while self.take():
            pass

    def take_to_end(self, clock: Clock, wait_s: float) -> bool:
        """Take until nobody has the other end open any more; return False if that takes longer."""
        deadline = clock.monotonic() + wait_s
        poll = select.poll()
        poll.register(self.source, select.POLLIN)
        # Read first: a FIFO that nobody has opened yet is at its end, and no poll says so.
        while (data := self._take()) is None or data:
            left = deadline - clock.monotonic()
            if left <= 0:
                return False
            if data is None:
                poll.poll(left * 1000)
        return True

    def _enlarge(self, n_read: int) -> None:
        """Give a command that writes much a larger pipe: fewer turns for the same bytes."""
        if n_read >= _BLOCK_BYTES and not self._is_large:
            self._is_large = True
            with contextlib.suppress(OSError):  # the user's share of pipe memory is used up
                fcntl.fcntl(self.source, fcntl.F_SETPIPE_SZ, _LARGE_PIPE_BYTES)


def lost(why: str) -> FailedError:
    """Return the error for a task whose end nobody can tell."""
    return FailedError(
        ErrorCode.WORKER_FAILED, f"the command was ended: {why}; run the datum again"
    )

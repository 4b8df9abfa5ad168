"""The worker's end of the shim: FIFOs in a folder that both containers of a pod see.

Invariants: every message names the shim it is for or from, and the task; what names others does
nothing, so neither end is confused by what was said before it, or to one before it. Neither end
waits for the other to open a FIFO. Messages, byte by byte: docs/internals/shim.md. Must not know:
tasks.
"""

import base64
import binascii
import contextlib
import os
import select
import threading
from collections.abc import Iterator
from pathlib import Path

from pfs_provider.clock import Clock, IdSource
from pfs_provider.errors import ErrorCode, FailedError, RefusedError, UnavailableError
from pfs_provider.worker.executors.shim_script import parse_environment

__all__ = ["ShimLink"]

CONTROL, REPLY, ALIVE = "io/control", "io/reply", "io/alive"
_BLOCK_BYTES = 1 << 16


class ShimLink:
    """The connection to whatever shim runs. One thread at a time uses it; any may close it.

    Args:
        folder: What ``install`` made, as this container sees it.
        clock: Measures timeouts.
        ids: Names greetings.
    """

    def __init__(self, folder: Path, *, clock: Clock, ids: IdSource) -> None:
        self.folder = folder
        self.clock = clock
        self.ids = ids
        self.shim: str | None = None
        """The name of the shim that answered last; None where it is known to be dead."""
        self.environment: dict[str, str] = {}
        """What the image and the pod give every process of the user container."""
        self.is_closed = False
        self._rest = b""
        self._lock = threading.Lock()
        with contextlib.ExitStack() as stack:
            self._control = _open(stack, folder / CONTROL, os.O_RDWR)
            self.reply = _open(stack, folder / REPLY, os.O_RDWR)
            self.alive = _open(stack, folder / ALIVE, os.O_RDONLY)
            self.wake, self._waker = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            stack.callback(os.close, self.wake)
            stack.callback(os.close, self._waker)
            self._open_files = stack.pop_all()

    def connect(self, wait_s: float) -> None:
        """Have a shim answer, free of tasks. What ran in it is ended.

        Raises:
            FailedError: ``worker-failed``: closed meanwhile.
            UnavailableError: ``sandbox-unavailable``: none answered within ``wait_s``.
        """
        self.shim = None
        self._look_anew()
        self.take_lines()  # what came before is of no use
        word = self.ids.new_id()
        self.tell(f"greet {word}")
        name, text = "", b""
        for line in self._wait_for_lines(self.clock.monotonic() + wait_s):
            match line.decode(errors="replace").split():
                case ["here", "-", _]:  # a new one, which may not have met the greeting
                    self._look_anew()
                    self.tell(f"greet {word}")
                case ["here", said, shim] if said == word:
                    name, text = shim, b""
                case ["end", said] if said == word and name:
                    with contextlib.suppress(binascii.Error):  # others wrote, too
                        self.environment = parse_environment(base64.b64decode(text))
                        self.shim = name
                        return
                case _:
                    text += line
        raise UnavailableError(
            ErrorCode.SANDBOX_UNAVAILABLE,
            f"the container of the user code did not come up within {wait_s:.0f} s: look at the "
            "state and the log of the pod's container 'user'",
        )

    def notice_end(self) -> None:
        """Forget a shim that has ended since it was heard last."""
        poll = select.poll()
        poll.register(self.alive, 0)
        is_other = any(line.startswith(b"here - ") for line in self.take_lines())
        if is_other or poll.poll(0):
            self.shim = None

    def tell(self, message: str) -> None:
        """Send one message, whole. Where no shim has read for long there is no room: it is lost."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._control, f"{message}\n".encode())

    def take_lines(self) -> list[bytes]:
        """Return the whole lines that have come; does not wait."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._rest += os.read(self.reply, _BLOCK_BYTES)
        *lines, self._rest = self._rest.split(b"\n")
        return lines

    def close(self) -> None:
        """Have whoever waits raise, and ``wake`` be readable from now on. Idempotent."""
        with self._lock:  # after the release the number may be that of another file
            if not self.is_closed:
                self.is_closed = True
                os.write(self._waker, b"x")

    def check_open(self) -> None:
        """Raise FailedError ``worker-failed`` after ``close``."""
        if self.is_closed:
            raise FailedError(ErrorCode.WORKER_FAILED, "the executor is closed; make a new one")

    def release(self) -> None:
        """Close the files, when nobody uses them any more. Idempotent."""
        with self._lock:
            self.is_closed = True
            self.shim = None
            self._open_files.close()

    def _look_anew(self) -> None:
        """Have ``alive`` tell of the shim's end from now on: that of one before is forgotten."""
        fresh = os.open(self.folder / ALIVE, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.dup2(fresh, self.alive, inheritable=False)
        os.close(fresh)

    def _wait_for_lines(self, deadline: float) -> Iterator[bytes]:
        """Yield lines as they come until the deadline."""
        poll = select.poll()
        poll.register(self.reply, select.POLLIN)
        poll.register(self.wake, select.POLLIN)
        while (left := deadline - self.clock.monotonic()) > 0:
            self.check_open()
            if poll.poll(left * 1000):
                yield from self.take_lines()


def _open(stack: contextlib.ExitStack, path: Path, how: int) -> int:
    try:
        descriptor = os.open(path, how | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise RefusedError(
            ErrorCode.SETTINGS_ILLEGAL,
            f"--shim: {path}: {error.strerror}: run python -m pfs_provider.worker.shim.install "
            "on the folder first",
            path=str(path),
        ) from error
    stack.callback(os.close, descriptor)
    return descriptor

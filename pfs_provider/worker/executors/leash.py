"""Reaches a command that runs: another log, a pause between two datums.

Whoever started the command on another thread gives orders here; the executor carries them out on
the thread that follows the command, so a log and a pipe have one thread as ever. Invariants: an
order that was given is carried out or in vain when the call returns, never later; a command that
has ended makes every order vain. Must not know: datums, how a command is isolated.
"""

import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

__all__ = ["Held", "Leash", "Log"]

_WAIT_S = 60.0
"""How long an order may take; a command that hangs in the kernel is not waited for any longer."""


class Log(Protocol):
    """What a command's output goes to. ``error`` is why the disk took no more of it, or None."""

    error: str | None

    def turn(self, path: Path, *, is_bringing: bool = False) -> None:
        """End it and go on in another file, to which what it has may be brought."""


class Held(Protocol):
    """A command as the thread that follows it can handle it. Nothing here waits."""

    def drain(self) -> None:
        """Take into the log what the command has written so far."""

    def rest(self, rested: Callable[[], None]) -> None:
        """Stop all processes of the command; ``rested`` is called when they stand still.

        What they left below ``/pfs`` can be read and removed by the worker then.
        """

    def wake(self) -> None:
        """Let them go on."""


Order = Callable[[Held, Callable[[], None]], None]
"""What is to be done; its last argument is called when that is done."""


@dataclass(slots=True)
class Leash:
    """Orders to one command. One thread gives them; the one that follows the command obeys."""

    log: Log | None = None
    """The log of the command; the executor sets it before the command starts."""
    fit: Callable[[str], str] = str
    """Turns a text that names ``/pfs`` into what the command sees there; the executor's."""
    give: Callable[[Path], None] = lambda _root: None
    """Gives a folder to the command's user; the executor's."""
    trouble: str = ""
    """Why the log that the command had before it rested ends early; empty if it does not."""
    _orders: deque[tuple[Order, threading.Event]] = field(default_factory=deque)
    _waiting: list[threading.Event] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_over: bool = False
    _ends: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self._ends = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def fileno(self) -> int:
        """Return what is readable when there is an order."""
        return self._ends[0]

    def rest(self, log: Path) -> None:
        """Stop the command; what it has written so far is in its log, the rest goes to another."""

        def order(held: Held, done: Callable[[], None]) -> None:
            def rested() -> None:
                held.drain()
                if self.log is not None:
                    self.trouble = self.log.error or ""
                    self.log.turn(log)
                done()

            held.rest(rested)

        self._give(order)

    def wake(self, log: Path) -> None:
        """Let the command go on; what it has written since it rested begins its next log."""

        def order(held: Held, done: Callable[[], None]) -> None:
            held.drain()
            if self.log is not None:
                self.log.turn(log, is_bringing=True)
            held.wake()
            done()

        self._give(order)

    def obey(self, held: Held) -> None:
        """Carry out what was ordered; the executor calls it where ``fileno`` is readable."""
        with suppress(BlockingIOError):
            os.read(self._ends[0], 4096)
        with self._lock:
            orders, waiting = list(self._orders), [event for _, event in self._orders]
            self._orders.clear()
            self._waiting += waiting
        for order, event in orders:
            order(held, event.set)

    def let_go(self) -> None:
        """Make every order vain: the command has ended. Idempotent."""
        with self._lock:
            if self._is_over:
                return
            self._is_over = True
            waiting = [*self._waiting, *(event for _, event in self._orders)]
            for end in self._ends:
                os.close(end)
        for event in waiting:
            event.set()

    def _give(self, order: Order) -> None:
        event = threading.Event()
        with self._lock:
            if self._is_over:
                return
            self._waiting = [other for other in self._waiting if not other.is_set()]
            self._orders.append((order, event))
            with suppress(BlockingIOError):
                os.write(self._ends[1], b"x")
        event.wait(_WAIT_S)

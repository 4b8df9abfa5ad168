"""Runs one task in the shim that is connected: its files, its output, its end.

Invariants: output is taken as it comes, so the command never waits for the log; a task has ended
when the shim says so or is dead, not before. Must not know: what a command is.
"""

import contextlib
import math
import os
import select
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pfs_provider.worker.executors.interrupt import Interrupt
from pfs_provider.worker.executors.leash import Leash
from pfs_provider.worker.executors.logs import LogWriter
from pfs_provider.worker.executors.output import KILL_S, OutputTaker, lost
from pfs_provider.worker.executors.shim_link import ShimLink

__all__ = ["Ending", "run_task"]

TASKS = "tasks"
POKE_S = 1.0
"""How often the shim is woken while a task runs: how long a lost ending may go unnoticed."""
_SHARED = 0o660
"""The rights of a FIFO: the image's user writes to it as a member of the pod's group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a task ended.

    ``kind`` is ``exit`` or ``signal``, then ``number`` says which; ``died`` if its whole container
    did; else the reason why it could not be started (``working-dir``, ``missing``, ``denied``,
    ``interpreter``, ``format``, ``equals``), then ``path`` says where.
    """

    kind: str
    number: int = 0
    path: str = ""
    timed_out: bool = False


def run_task(  # noqa: PLR0913 what a task has
    link: ShimLink,
    script: bytes,
    *,
    stdin: bytes,
    log: LogWriter,
    timeout_s: float | None,
    interrupt: Interrupt | None = None,
    leash: Leash | None = None,
) -> Ending:
    """Run one task to its end.

    Args:
        link: Connected to a shim.
        script: What ``render_script`` made.
        stdin: What the command reads.
        log: Gets its output.
        timeout_s: When to kill it; None for never.
        interrupt: Kills it when it is set.
        leash: Reaches it meanwhile.

    Raises:
        FailedError: ``worker-failed``: the link was closed meanwhile and the task killed, or it
            cannot be killed.
    """
    task = link.ids.new_id()
    with _files(link.folder / TASKS, task, script, stdin) as output:
        link.tell(f"run {link.shim} {task}")
        follower = _Follower(link, task, output, log, interrupt=interrupt, leash=leash)
        return follower.follow(timeout_s)


@contextlib.contextmanager
def _files(folder: Path, task: str, script: bytes, stdin: bytes) -> Iterator[int]:
    """Make a task's files; yield the end of its log that is read."""
    command, fed, log = (folder / f"{task}.{kind}" for kind in ("command", "stdin", "log"))
    with contextlib.ExitStack() as stack:
        for path in (command, fed, log):
            stack.callback(path.unlink, missing_ok=True)
        command.write_bytes(script)
        fed.write_bytes(stdin)
        os.mkfifo(log, _SHARED)
        output = os.open(log, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        stack.callback(os.close, output)
        yield output


class _Follower:
    """Takes a task's output until the shim says how it ended, or dies."""

    def __init__(
        self,
        link: ShimLink,
        task: str,
        output: int,
        log: LogWriter,
        *,
        interrupt: Interrupt | None,
        leash: Leash | None,
    ) -> None:
        self._link = link
        self._leash = leash
        self._rested: Callable[[], None] | None = None
        self._clock = link.clock
        self._task = task
        self._poll = select.poll()
        self._output = OutputTaker(output, log, self._poll)
        for descriptor in (link.reply, link.wake):
            self._poll.register(descriptor, select.POLLIN)
        self._poll.register(link.alive, 0)  # a hang-up is told all the same
        self._interrupt = -1 if interrupt is None else interrupt.fileno()
        self._is_interrupted = False
        if interrupt is not None:
            self._poll.register(interrupt, select.POLLIN)
        if leash is not None:
            self._poll.register(leash, select.POLLIN)

    def drain(self) -> None:
        self._output.drain()

    def rest(self, rested: Callable[[], None]) -> None:
        self._rested = rested
        self._say("rest")

    def wake(self) -> None:
        self._say("wake")

    def follow(self, timeout_s: float | None) -> Ending:
        deadline = math.inf if timeout_s is None else self._clock.monotonic() + timeout_s
        poke_at = self._clock.monotonic() + POKE_S
        is_killing = timed_out = False
        while (ending := self._turn(min(deadline, poke_at))) is None:
            now = self._clock.monotonic()
            if now >= deadline and is_killing:
                raise lost(f"its processes did not die within {KILL_S:.0f} s of being killed")
            is_told = self._is_interrupted or self._link.is_closed
            if (now >= deadline or is_told) and not is_killing:
                is_killing, timed_out = True, not is_told
                deadline = now + KILL_S
                self._say("kill")
            if now >= poke_at:
                poke_at = now + POKE_S
                self._say("poke")
        self._output.drain()
        self._link.check_open()
        return replace(ending, timed_out=timed_out)

    def _say(self, verb: str) -> None:
        self._link.tell(f"{verb} {self._link.shim} {self._task}")

    def _turn(self, until: float) -> Ending | None:
        """Wait for something to happen, or the time; return how the task ended if it did."""
        wait_ms = max(0.0, until - self._clock.monotonic()) * 1000
        ready = dict(self._poll.poll(wait_ms))
        if self._output.source in ready:
            self._output.take()
        if self._leash is not None and self._leash.fileno() in ready:
            self._leash.obey(self)
        if self._link.wake in ready:
            self._poll.unregister(self._link.wake)
        if self._interrupt in ready:
            self._poll.unregister(self._interrupt)
            self._is_interrupted = True
        if self._link.reply in ready or self._link.alive in ready:
            for line in self._link.take_lines():
                if (ending := self._understand(line)) is not None:
                    return ending
        if self._link.alive in ready:
            self._link.shim = None
            # That its processes are killed comes second.
            self._output.take_to_end(self._clock, KILL_S)
            return Ending(kind="died")
        return None

    def _understand(self, line: bytes) -> Ending | None:
        """Return what a line tells of this task's end; other lines are of no use now."""
        words = os.fsdecode(line).split(" ", 4)
        match words:
            case ["here", "-", name] if name != self._link.shim:
                self._link.shim = None
                return Ending(kind="died")
            case ["done", shim, task, kind, about] if (shim, task) == (self._link.shim, self._task):
                if kind in {"exit", "signal"}:
                    return Ending(kind=kind, number=int(about))
                return Ending(kind=kind, path=about)
            case ["rested", shim, task] if (shim, task) == (self._link.shim, self._task):
                rested, self._rested = self._rested, None
                if rested is not None:
                    rested()
                return None
            case _:
                return None

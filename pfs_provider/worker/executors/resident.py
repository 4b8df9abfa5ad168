"""User code that stays up: one start of a program, and one datum after the other for it.

An executor around another one, which starts the program as a task of its own. The program asks for
a datum in ``/pfs/.next``; a ``run`` is what lies between the answer and its next question. Why so:
docs/design/0022-programs-that-stay-up.md. Invariants: while the worker looks at ``/pfs`` or changes
it, the program is stopped; a program that ended, whatever its code, has not done the datum it had;
one that took too long is killed, and the next datum gets a fresh one, unless none has ever asked.
Must not know: datums' files.
"""

import os
import select
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from pfs_provider.clock import Clock
from pfs_provider.errors import ErrorCode, FailedError
from pfs_provider.worker.executors.asking import NEXT, Asked, Asking
from pfs_provider.worker.executors.interrupt import Interrupt
from pfs_provider.worker.executors.leash import Leash
from pfs_provider.worker.executors.logs import hide_secrets
from pfs_provider.worker.executors.port import Executor, Outcome, Task

__all__ = ["ResidentExecutor"]

_PFS = "/pfs"
_NEVER_ASKED = (
    "before it asked for a datum: with transform.datum_batching it has to call `pfs next datum`"
)
_WAY_OUT = "PFS_PROGRAM_START_S sets how long it may load before that"


class _Late:
    """It neither asked nor ended in time."""


@dataclass(slots=True)
class _Program:
    """A program that runs, and the thread that its executor follows it on."""

    root: Path
    asking: Asking
    leash: Leash = field(default_factory=Leash)
    end_it: Interrupt = field(default_factory=Interrupt)
    thread: threading.Thread | None = None
    outcome: Outcome | None = None
    error: BaseException | None = None
    ended: tuple[int, int] = field(default_factory=lambda: os.pipe2(os.O_CLOEXEC))
    """A pipe that hangs up when it has ended."""

    def start(self, executor: Executor, task: Task) -> None:
        def follow() -> None:
            try:
                self.outcome = executor.run(task)
            except BaseException as error:  # noqa: BLE001  # for the thread that waits to judge
                self.error = error
            finally:
                self.leash.let_go()
                os.close(self.ended[1])

        self.thread = threading.Thread(target=follow, name="resident", daemon=True)
        self.thread.start()

    @property
    def has_ended(self) -> bool:
        return self.thread is None or not self.thread.is_alive()

    def wait(
        self, clock: Clock, timeout_s: float | None, interrupt: Interrupt | None
    ) -> Asked | Outcome | _Late | Interrupt:
        """Return what it asked, how it ended, or what is to end it; raises as its executor."""
        deadline = None if timeout_s is None else clock.monotonic() + timeout_s
        poll = select.poll()
        poll.register(self.asking, select.POLLIN)
        poll.register(self.ended[0], 0)  # a hang-up is told all the same
        if interrupt is not None:
            poll.register(interrupt, select.POLLIN)
        while True:
            wait_ms = None
            if deadline is not None:
                wait_ms = max(0.0, deadline - clock.monotonic()) * 1000
            ready = dict(poll.poll(wait_ms))
            if self.ended[0] in ready:  # what it asked with its last breath does not count
                return self.result()
            if not ready:
                return _Late()
            if interrupt is not None and interrupt.fileno() in ready:
                return interrupt
            if (asked := self.asking.take()) is not None:
                return asked

    def result(self) -> Outcome:
        """Return how it ended."""
        if self.thread is not None:
            self.thread.join()
        if self.error is not None:
            raise self.error
        assert self.outcome is not None  # noqa: S101 it ended
        return self.outcome

    def end(self) -> None:
        """Kill it if it lives; returns when no process of it does."""
        self.end_it.set()
        if self.thread is not None:
            self.thread.join()
        self.asking.close()
        self.end_it.close()
        os.close(self.ended[0])


class ResidentExecutor:
    """Runs the tasks of one command in a program that stays up.

    A task of another command, such as ``err_cmd``, ends the program first and is run by itself.

    Args:
        executor: Starts the program. Closed with this one.
        clock: Tells the times of outcomes and measures timeouts.
        cmd: The program.
        stdin: What it reads.
        start: What is started instead, for it; the program itself where that is empty.
        start_s: Seconds to the first question of a program.
        sh: Runs scripts where user code is, such as ``/bin/sh``.
    """

    def __init__(  # noqa: PLR0913 what a program is, and its beginning
        self,
        executor: Executor,
        *,
        clock: Clock,
        cmd: tuple[str, ...],
        stdin: tuple[str, ...] = (),
        start: tuple[str, ...] = (),
        start_s: float | None = None,
        sh: str = "/bin/sh",
    ) -> None:
        self._executor = executor
        self._clock = clock
        self._command = cmd, stdin
        self._start_s = start_s
        self._start_cmd = start or cmd
        self._sh = sh
        self._has_asked = False
        self._silent = ""
        """Why no program is started any more."""
        self._lock = threading.Lock()
        self._program: _Program | None = None

    def run(self, task: Task) -> Outcome:
        """Have the program work one datum. Raises as the port says.

        ``timeout_s`` counts from the moment the datum is given. What a program does before its
        first question is nobody's time, up to ``start_s``; if none has asked by then, the next
        tasks fail without another wait.
        """
        with self._lock:
            if (task.cmd, task.stdin) != self._command:
                self._end()
                return self._executor.run(task)
            return self._work(task)

    def close(self) -> None:
        """End the program and the executor. Idempotent."""
        self._executor.close()
        with self._lock:
            self._end()

    def _work(self, task: Task) -> Outcome:
        started = self._clock.now()
        program = self._program
        if program is None or program.has_ended or program.root != task.root:
            self._end()
            if self._silent:
                return self._unasked(started)
            program = self._start(task)
            said = program.wait(self._clock, self._start_s, task.interrupt)
            if isinstance(said, Outcome):
                return self._ended(said, started, _NEVER_ASKED)
            if isinstance(said, _Late):
                return self._give_up(started)
            if not isinstance(said, Asked):
                return self._kill(said, started)
            self._has_asked = True
            program.leash.rest(_between(task))
        self._hand_over(program, task)
        said = program.wait(self._clock, task.timeout_s, task.interrupt)
        if isinstance(said, Outcome):
            return self._ended(said, started, "before it said that its datum was done")
        if isinstance(said, Asked):
            program.leash.rest(_between(task))
            error = None if said.error is None else hide_secrets(task, said.error)
            outcome = self._outcome(started, code=0 if error is None else 1, error=error)
            return replace(outcome, log_error=program.leash.trouble)
        return self._kill(said, started)

    def _give_up(self, started: datetime) -> Outcome:
        """Kill a program that is silent; one that has never asked will not do so next time."""
        self._end()
        silent = f"it ran for {self._start_s:g} s {_NEVER_ASKED}. {_WAY_OUT}"
        if not self._has_asked:
            self._silent = silent
        return replace(self._unasked(started), error=silent)

    def _unasked(self, started: datetime) -> Outcome:
        killed = self._outcome(started, code=None)
        return replace(killed, signal=signal.SIGKILL.value, error=self._silent)

    def _kill(self, why: _Late | Interrupt, started: datetime) -> Outcome:
        self._end()
        killed = self._outcome(started, code=None)
        return replace(killed, signal=signal.SIGKILL.value, timed_out=isinstance(why, _Late))

    def _start(self, task: Task) -> _Program:
        program = _Program(task.root, Asking(task.root, sh=self._sh))
        env = {name: value for name, value in task.env.items() if name not in task.own}
        program.start(
            self._executor,
            replace(
                task,
                cmd=self._start_cmd,
                env=env,
                timeout_s=None,
                tools=f"{_PFS}/{NEXT}",
                leash=program.leash,
                interrupt=program.end_it,
            ),
        )
        self._program = program
        return program

    def _hand_over(self, program: _Program, task: Task) -> None:
        fit = program.leash.fit
        variables = {name: fit(value) for name, value in task.env.items() if name in task.own}
        try:
            program.asking.write_env(variables)
            program.leash.give(task.root)
            program.leash.wake(task.log)
            program.asking.answer(task.env.get("PFS_DATUM_ID", ""), variables)
        except OSError as error:
            self._end()
            raise FailedError(
                ErrorCode.WORKER_FAILED, f"the program cannot be given its datum: {error}"
            ) from error

    def _end(self) -> None:
        program, self._program = self._program, None
        if program is not None:
            with suppress(OSError):
                program.end()

    def _ended(self, outcome: Outcome, started: datetime, when: str) -> Outcome:
        """Return the outcome of the datum that a program had when it ended."""
        self._end()
        error = (
            "" if outcome.exit_code is None else f"it exited with code {outcome.exit_code} {when}"
        )
        return replace(outcome, started=started, error=error)

    def _outcome(self, started: datetime, *, code: int | None, error: str | None = None) -> Outcome:
        return Outcome(
            exit_code=code,
            signal=None,
            timed_out=False,
            started=started,
            finished=self._clock.now(),
            error="" if error is None else f"it reported an error: {error}",
        )


def _between(task: Task) -> Path:
    """Return the log of what is written while no datum is there: the beginning of the next's."""
    return task.log.with_name(f"{task.log.name}-between")

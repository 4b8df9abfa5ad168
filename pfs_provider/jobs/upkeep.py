"""One worker that keeps a standing command up, and how the command is.

Invariants: a worker that was lost is started again, after a pause that doubles up to a limit; a
command is called running when it runs and, if it is to listen, its port answers.
Must not know: catalogs, which job or pipeline it is for.
"""

import socket
from dataclasses import dataclass, field
from typing import Literal

from pfs_provider.errors import PfsError
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.launcher import Launcher, Workers, check_supported
from pfs_provider.jobs.standing_notes import clear_notes, find_note
from pfs_provider.spec.model import PipelineSpec

__all__ = ["LEFT", "Condition", "Upkeep"]

FIRST_PAUSE_S = 1.0
MAX_PAUSE_S = 60.0
ANSWER_S = 0.5
SLOW_S = 30.0
"""A command that runs for so long and does not answer is in trouble."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How a command is."""

    state: Literal["starting", "running", "crashing"]
    reason: str = ""


LEFT = Condition("starting", "nobody keeps it up: `pfs run --watch` does")


@dataclass(slots=True, kw_only=True)
class Upkeep:
    """Keeps the worker of one planned command. One thread.

    Args:
        jobs: Where.
        launcher: How the worker is started.
        ref: Whose plan it takes.
        spec: What it runs.
    """

    jobs: Jobs
    launcher: Launcher
    ref: JobRef
    spec: PipelineSpec
    is_released: bool = False
    """Whether the command may start."""
    _workers: Workers | None = None
    _problem: str = ""
    _again_at: float = 0.0
    _pause_s: float = FIRST_PAUSE_S
    _n_starts: int = 0
    _silent_since: float = field(default=0.0)

    def begin(self) -> None:
        """Start the worker; it stages the command's files and waits to be released."""
        clear_notes(self.jobs.objects, self.ref)
        self._launch()

    def release(self) -> None:
        """Let the command start."""
        self.jobs.objects.replace(self.ref.go, b"go")
        self.is_released = True

    @property
    def is_staged(self) -> bool:
        """Whether the command could start now."""
        return find_note(self.jobs.objects, self.ref) is not None

    def look(self) -> Condition:
        """Return how the command is, after replacing a worker that was lost."""
        now = self.jobs.clock.monotonic()
        if self._workers is None:
            if now < self._again_at:
                return Condition("crashing", self._problem)
            self._launch()
        if self._workers is not None:
            state = self._workers.poll()
            if state.problem is not None or state.alive == 0:
                self._fail(state.problem or "its worker ended")
        if self._problem:
            return Condition("crashing", self._problem)
        return self._judge(now)

    def stop(self) -> None:
        """End the worker and the command; return when they are gone. Idempotent."""
        if self._workers is not None:
            self._workers.stop()
            self._workers = None

    def _launch(self) -> None:
        try:
            check_supported(self.launcher, self.spec)
            self._workers = self.launcher.launch(self.ref, self.spec, 1)
            self._problem = ""
        except PfsError as error:
            self._fail(str(error))

    def _fail(self, problem: str) -> None:
        self.stop()
        self._problem = problem
        self._again_at = self.jobs.clock.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, MAX_PAUSE_S)

    def _judge(self, now: float) -> Condition:
        note = find_note(self.jobs.objects, self.ref)
        if note is None or note.state == "staged":
            return Condition("starting")
        if note.state == "down":
            return Condition("crashing", note.reason)
        if note.n_starts != self._n_starts:
            self._n_starts, self._silent_since = note.n_starts, now
        service = self.spec.listens
        if service is None or _answers(service.internal_port):
            self._silent_since, self._pause_s = now, FIRST_PAUSE_S
            return Condition("running")
        if now - self._silent_since > SLOW_S:
            reason = f"it runs, but port {service.internal_port} does not answer"
            return Condition("crashing", reason)
        return Condition("starting")


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("localhost", port), ANSWER_S):
            return True
    except OSError:
        return False

"""Processes of a soak round, what they tell of themselves, and their ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.soak.places import Place

__all__ = ["STEP_S", "Process", "RoundError", "kill_pid"]

ROOT = Path(__file__).resolve().parents[2]
STEP_S = 600.0
"""Seconds that a step may take when nobody disturbs it; more means that it hangs."""
PHASES = frozenset({"plan", "work", "finish", "between"})


class RoundError(Exception):
    """What the round should not have come to."""


class Process:
    """One step in a process of its own.

    Args:
        place: Where it works.
        words: Which step, with its arguments.
        on_length: Told how long each phase lasted.
    """

    def __init__(
        self, place: Place, *words: str, on_length: Callable[[str, float], None] | None = None
    ) -> None:
        self.words = words
        self.phase = "between"
        self.was_frozen = False
        self.was_killed = False
        self._on_length = on_length
        self._said: list[str] = []
        self._phases: list[str] = []
        self._since = time.monotonic()
        kept = {
            name: text for name, text in os.environ.items() if not name.startswith(("PFS_", "AWS_"))
        }
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.step", *words],
            cwd=ROOT,
            env=kept | place.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._popen.stdout is not None
        said = self._popen.stdout.readline()
        if said != "ready\n":
            self._popen.kill()
            raise RoundError(f"{words} did not start: {said}{self._popen.communicate()[0][-2000:]}")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    @property
    def phases(self) -> list[str]:
        """The phases that it has entered so far."""
        return list(self._phases)

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._popen.poll() is None

    def outlives(self, seconds: float) -> bool:
        """Wait; return whether it still runs then."""
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(seconds)
        return self.is_alive

    def kill(self) -> str:
        """Kill it, and return in which phase it was."""
        self.was_killed = True
        self._popen.kill()
        self._popen.wait()
        self._reader.join(5)
        return self.phase

    def end(self) -> None:
        """Return when it has ended by itself.

        Raises:
            RoundError: It has not, or not well.
        """
        try:
            self._popen.wait(STEP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RoundError(f"{self.words} did not end in {STEP_S} s: {self._text}") from None
        self._reader.join(5)
        if self._popen.returncode != 0:
            raise RoundError(f"{self.words} ended with {self._popen.returncode}: {self._text}")

    def ask_to_end(self) -> None:
        """End it as a service manager does, and return when it has ended.

        Raises:
            RoundError: It does not.
        """
        self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(STEP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RoundError(f"{self.words} goes on after SIGTERM: {self._text}") from None

    def descendants(self) -> list[tuple[int, str]]:
        """Return the processes below it, with their command lines."""
        parents: dict[int, list[int]] = {}
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                with suppress(OSError):
                    stat = (process / "stat").read_text()
                    parent = int(stat.rpartition(")")[2].split()[1])
                    parents.setdefault(parent, []).append(int(process.name))
        found: list[tuple[int, str]] = []
        todo = [self.pid]
        while todo:
            for child in parents.get(todo.pop(), []):
                todo.append(child)
                line = b""
                with suppress(OSError):
                    line = Path(f"/proc/{child}/cmdline").read_bytes()
                found.append((child, line.replace(b"\0", b" ").decode()))
        return found

    @property
    def _text(self) -> str:
        return "".join(self._said)[-2000:]

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            word = line.strip()
            if word in PHASES:
                self._enter(word)
            else:
                self._said.append(line)
        self._popen.stdout.close()

    def _enter(self, phase: str) -> None:
        now = time.monotonic()
        if self._on_length is not None and not self.was_frozen:
            self._on_length(self.phase, now - self._since)
        self.phase, self._since = phase, now
        self._phases.append(phase)


def kill_pid(pid: int) -> bool:
    """Kill a process; return whether it was there."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False

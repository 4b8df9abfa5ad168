"""A round: processes that do the steps, whoever kills them, and the comparison at its end."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from tests.portraits import differing
from tests.soak.places import PIPELINES, Place

STEP_S = 120.0
"""Seconds that a step may take when nobody disturbs it; more means that it hangs."""
KILLS_PER_STEP = {"put": (0, 2), "run": (2, 6)}
"""Least and most."""
N_WORKERS = 2
LEFT_S = 20.0
"""Seconds that workers of a killed runner have to be gone."""
MARKS = {"worker": "-m pfs_provider.worker ", "spawner": "spawner.main import main"}
"""What the command lines of a runner's children hold."""
ROOT = Path(__file__).resolve().parents[2]

Versions = Sequence[tuple[Path, str]]


class RoundError(Exception):
    """What the round should not have come to."""


@dataclass(slots=True)
class Budget:
    """Kills that all rounds share."""

    n_left: int
    deadline: float
    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    lengths: dict[str, float] = field(default_factory=lambda: {"put": 0.3, "run": 3.0})
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_spent(self) -> bool:
        return self.n_left <= 0 or time.monotonic() > self.deadline

    @property
    def n_kills(self) -> int:
        return self.kills.total()

    @property
    def text(self) -> str:
        return f"{self.n_kills} kills so far"

    def take(self) -> bool:
        with self._lock:
            if self.is_spent:
                return False
            self.n_left -= 1
            return True

    def put_back(self) -> None:
        with self._lock:
            self.n_left += 1

    def note(self, phase: str, victim: str) -> None:
        with self._lock:
            self.kills[phase, victim] += 1

    def note_length(self, verb: str, seconds: float) -> None:
        with self._lock:
            self.lengths[verb] = 0.7 * self.lengths[verb] + 0.3 * seconds


def undisturbed(place: Place, versions: Versions) -> dict[str, Any]:
    """Do all steps in peace and tell what came of it."""
    _finish(_start("make", place, place.mark))
    for folder, commit_id in versions:
        _finish(_start("put", place, str(folder), commit_id))
        _finish(_start("run", place, str(N_WORKERS)))
    _check_gone(place)
    return place.portrait()


def disturb(
    place: Place, versions: Versions, expected: dict[str, Any], random: Random, budget: Budget
) -> None:
    """Do all steps, killed and repeated; raise unless it comes to the same."""
    _finish(_start("make", place, place.mark))
    for folder, commit_id in versions:
        _repeat(
            "put",
            partial(_start, "put", place, str(folder), commit_id),
            partial(_kill_putter, random=random, budget=budget),
            random=random,
            budget=budget,
        )
        _repeat(
            "run",
            partial(_start, "run", place, str(N_WORKERS)),
            partial(_kill_in_run, place=place, commit_id=commit_id, random=random, budget=budget),
            random=random,
            budget=budget,
        )
    _check_gone(place)
    found = place.portrait()
    wrong = differing(found, expected)
    if wrong:
        raise RoundError("; ".join(f"{name}: {pair}" for name, pair in wrong.items()))
    if len(place.left_scratch()) > N_WORKERS:  # what the last that were killed left
        raise RoundError(f"scratch folders are left: {place.left_scratch()}")


def _repeat(
    verb: str,
    start: Callable[[], subprocess.Popen[str]],
    kill: Callable[[subprocess.Popen[str]], bool],
    *,
    random: Random,
    budget: Budget,
) -> None:
    """Start a step again and again until nobody kills it and it has ended well."""
    for _ in range(random.randint(*KILLS_PER_STEP[verb])):
        if not budget.take():
            break
        process = start()
        began = time.monotonic()
        if not kill(process):
            budget.put_back()
            budget.note_length(verb, time.monotonic() - began)
        if process.poll() is None or process.returncode != -signal.SIGKILL:
            _finish(process)
            return
        _close(process)
    _finish(start())


def _kill_putter(process: subprocess.Popen[str], random: Random, budget: Budget) -> bool:
    if not _wait(process, random.uniform(0, budget.lengths["put"])):
        return False
    process.kill()
    process.wait()
    budget.note("put", "putter")
    return True


def _kill_in_run(
    process: subprocess.Popen[str], place: Place, commit_id: str, random: Random, budget: Budget
) -> bool:
    if not _wait_for_moment(process, place, commit_id, random, budget.lengths["run"]):
        return False
    victim = random.choices(["runner", "worker", "spawner", "all"], [5, 3, 1, 2])[0]
    children = _descendants(process.pid)
    phase = place.phase(commit_id)
    if victim in MARKS:
        found = [pid for pid, line in children if MARKS[victim] in line]
        if not found:
            victim = "runner"
        elif _kill(random.choice(found)):
            budget.note(phase, victim)
            return True
    process.kill()
    if victim == "all":
        for pid, _ in children:
            _kill(pid)
    process.wait()
    budget.note(phase, victim)
    return True


def _wait_for_moment(
    process: subprocess.Popen[str], place: Place, commit_id: str, random: Random, length_s: float
) -> bool:
    """Wait for a random moment, or for one soon after something appears; False if it ended."""
    pipeline = random.choice(PIPELINES)
    what = random.choice(["time", "time", "plan", "claims", "results", "all results"])
    if what == "time" or place.has(commit_id, pipeline, what):
        return _wait(process, random.uniform(0, length_s))
    end = time.monotonic() + STEP_S
    while time.monotonic() < end and process.poll() is None:
        if place.has(commit_id, pipeline, what):
            return _wait(process, random.choice([0, random.uniform(0, 0.3)]))
        time.sleep(0.002)
    return False


def _wait(process: subprocess.Popen[str], seconds: float) -> bool:
    """Wait; return whether the process still runs then."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def _start(verb: str, place: Place, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.soak.step", verb, place.argument, *arguments]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PFS_")}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    if said != "ready\n":
        process.kill()
        raise RoundError(f"{command} did not start: {said}{process.communicate()[0][-2000:]}")
    return process


def _finish(process: subprocess.Popen[str]) -> None:
    try:
        said, _ = process.communicate(timeout=STEP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
        raise RoundError(f"{process.args!r} did not end in {STEP_S} s: {said[-2000:]}") from None
    if process.returncode != 0:
        raise RoundError(f"{process.args!r} ended with {process.returncode}: {said[-2000:]}")


def _close(process: subprocess.Popen[str]) -> None:
    if process.stdout is not None:
        process.stdout.close()


def _check_gone(place: Place) -> None:
    end = time.monotonic() + LEFT_S
    while place.leftovers() and time.monotonic() < end:
        time.sleep(0.2)
    if place.leftovers():
        raise RoundError(f"processes are left: {place.leftovers()}")


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _descendants(pid: int) -> list[tuple[int, str]]:
    """Return the processes below one, with their command lines."""
    parents: dict[int, list[int]] = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                stat = (process / "stat").read_text()
            except OSError:
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(
                int(process.name)
            )
    found: list[tuple[int, str]] = []
    todo = [pid]
    while todo:
        for child in parents.get(todo.pop(), []):
            todo.append(child)
            try:
                line = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                line = ""
            found.append((child, line))
    return found

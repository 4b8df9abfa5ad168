"""A round: processes that do the steps, whoever strikes them, and the comparison at its end."""

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.portraits import differing
from tests.soak.budget import Budget
from tests.soak.places import LEASE_S, Place
from tests.soak.processes import STEP_S, Process, RoundError, kill_pid

__all__ = ["Disturbed", "undisturbed"]

N_WORKERS = 2
KILLS_OF_PUT = (0, 2)
KILLS_OF_RUN = (3, 9)
"""Least and most, for one version."""
AIMS = {"plan": 3, "work": 4, "finish": 3, "any": 2}
"""How often a kill waits for each phase. Planning and finishing are short: only aimed kills hit."""
VICTIMS = {"runner": 5, "worker": 3, "spawner": 1, "all": 2, "frozen runner": 3, "frozen worker": 1}
WORKER_KILLS = 3
"""A worker that is lost four times fails its job, by design; so many of one runner's are killed."""
LEFT_S = 30.0
"""Seconds that workers of a killed runner have to be gone."""
MARKS = {"worker": "-m pfs_provider.worker ", "spawner": "spawner.main import main"}
"""What the command lines of a runner's children hold."""
MAY_FAIL = {"failing", "behind"}

Versions = Sequence[tuple[Path, str]]


def undisturbed(place: Place, versions: Versions, shapes: Sequence[str]) -> dict[str, Any]:
    """Do all steps in peace and tell what came of it.

    Raises:
        RoundError: It is not what is meant to come of it.
    """
    Process(place, "make", place.mark, *shapes).end()
    for folder, commit_id in versions:
        Process(place, "put", str(folder), commit_id).end()
        Process(place, "run", str(N_WORKERS)).end()
    _check_gone(place)
    found = place.portrait()
    for pipeline, _, state, reason, *_ in found["jobs"]:
        if state != "success" and pipeline.rpartition("/")[2] not in MAY_FAIL:
            raise RoundError(f"{pipeline} is {state} although nobody disturbed it: {reason}")
    return found


@dataclass(slots=True, kw_only=True)
class Disturbed:
    """A round whose processes are struck.

    Args:
        place: Where.
        random: Decides all.
        budget: How often.
        n_rivals: Runners with ``--watch`` beside the one that ends by itself.
    """

    place: Place
    random: Random
    budget: Budget
    n_rivals: int
    _rivals: list[Process] = field(default_factory=list)
    _workers_killed: dict[int, int] = field(default_factory=dict)

    def check(self, versions: Versions, shapes: Sequence[str], expected: dict[str, Any]) -> None:
        """Do all steps, struck and repeated.

        Raises:
            RoundError: It does not come to the same, or something is left.
        """
        Process(self.place, "make", self.place.mark, *shapes).end()
        try:
            for folder, commit_id in versions:
                self._put(folder, commit_id)
                self._run()
        finally:
            rivals, self._rivals = self._rivals, []
            for rival in rivals:
                rival.kill()
        _check_gone(self.place)
        wrong = differing(self.place.portrait(), expected)
        if wrong:
            raise RoundError("; ".join(f"{name}: {pair}" for name, pair in wrong.items()))
        most = N_WORKERS * (1 + self.n_rivals)
        if len(self.place.left_scratch()) > most:  # what the last that were killed left
            raise RoundError(f"scratch folders are left: {self.place.left_scratch()}")

    def _put(self, folder: Path, commit_id: str) -> None:
        for _ in range(self.random.randint(*KILLS_OF_PUT)):
            if not self.budget.take():
                break
            putter = Process(self.place, "put", str(folder), commit_id)
            began = time.monotonic()
            if not putter.outlives(self.random.uniform(0, self.budget.lengths["put"])):
                putter.end()
                self.budget.put_back()
                self.budget.note_length("put", time.monotonic() - began)
                return
            putter.kill()
            self.budget.note("put", "putter")
        Process(self.place, "put", str(folder), commit_id).end()

    def _run(self) -> None:
        """Run all jobs of a version, however often that takes."""
        main = self._start("run")
        self._rivals = [self._start("watch") for _ in range(self.n_rivals)]
        for _ in range(self.random.randint(*KILLS_OF_RUN)):
            if not self.budget.take():
                break
            struck = self._wait_for_moment(main)
            if struck is None or not self._strike(struck):
                self.budget.put_back()
            if not main.is_alive:
                if not main.was_killed:
                    break
                main = self._start("run")
            for number, rival in enumerate(self._rivals):
                if not rival.is_alive:
                    self._rivals[number] = self._start("watch")
        main.end()  # by itself
        for rival in self._rivals:
            rival.ask_to_end()
        self._rivals = []

    def _start(self, verb: str) -> Process:
        return Process(self.place, verb, str(N_WORKERS), on_length=self.budget.note_length)

    def _strike(self, runner: Process) -> bool:
        """Strike a runner, or somebody below it; return whether somebody was killed."""
        victim = self.random.choices(list(VICTIMS), list(VICTIMS.values()))[0]
        if "frozen" in victim and not self.n_rivals:
            victim = "runner"  # nobody would take its job over
        kind = victim.removeprefix("frozen ")
        children = runner.descendants()
        if kind in MARKS:
            found = [pid for pid, line in children if MARKS[kind] in line]
            n_lost = self._workers_killed.get(runner.pid, 0)
            if found and victim == "frozen worker":
                self._freeze(self.random.choice(found), runner, victim)
                return False
            if found and n_lost < WORKER_KILLS:
                self._workers_killed[runner.pid] = n_lost + 1
                self.budget.note(runner.phase, victim)
                return kill_pid(self.random.choice(found))
        elif victim == "frozen runner":
            self._freeze(runner.pid, runner, victim)
            return False
        phase = runner.kill()
        for pid, _ in children if victim == "all" else ():
            kill_pid(pid)
        self.budget.note(phase, "all" if victim == "all" else "runner")
        return True

    def _freeze(self, pid: int, runner: Process, victim: str) -> None:
        """Stop a process until others have taken over what it had, and let it go on."""
        self.budget.note(runner.phase, victim)
        runner.was_frozen = True
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(LEASE_S * self.random.uniform(0.5, 2))
            os.kill(pid, signal.SIGCONT)

    def _wait_for_moment(self, main: Process) -> Process | None:
        """Wait for a random moment, or for one in a chosen phase; return who is struck then."""
        aim = self.random.choices(list(AIMS), list(AIMS.values()))[0]
        runners = [main, *self._rivals]
        struck: Process | None = self.random.choice(runners)
        wait_s = self.random.uniform(0, 2 * self.budget.lengths["work"])
        if aim != "any":
            struck = _find_entering(runners, aim)
            wait_s = self.random.uniform(0, self.budget.lengths[aim])
        return struck if struck is not None and struck.outlives(wait_s) else None


def _find_entering(runners: Sequence[Process], phase: str) -> Process | None:
    """Return the runner that enters a phase next, None once the first of them has ended."""
    seen = [len(runner.phases) for runner in runners]
    end = time.monotonic() + STEP_S
    while runners[0].is_alive and time.monotonic() < end:
        for runner, n_seen in zip(runners, seen, strict=True):
            if phase in runner.phases[n_seen:]:
                return runner
        time.sleep(0.002)
    return None


def _check_gone(place: Place) -> None:
    end = time.monotonic() + LEFT_S
    while place.leftovers() and time.monotonic() < end:
        time.sleep(0.2)
    if place.leftovers():
        raise RoundError(f"processes are left: {place.leftovers()}")

"""kill -9 at random moments of put, plan, work and finish; the result must be as if undisturbed.

    python -m tests.soak --kills 200 [--catalog sqlite] [--store local] [--seed N] [--minutes M]
    python -m tests.soak --kills 40 --catalog sqlite postgres --store local s3

A round puts three versions of a folder and runs chained pipelines over each, some of every shape of
input, by one runner or by several at once. Its processes are killed and started again, or frozen
for longer than their lease, until they come to an end; then history, files, jobs, datums, results
and memo are compared with a round that nobody disturbed, and no process may be left. Several
catalogs and stores are paired in their order, and share the kills. Prints a table and ``N passed, M
failed``; exits 1 if anything failed, 2 if a service is missing. Ends by itself.
"""

import argparse
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

from tests.soak.budget import Budget
from tests.soak.pairings import CATALOGS, STORES, Pairing, find_missing, open_pairing
from tests.soak.pipelines import draw_shapes
from tests.soak.places import make_versions
from tests.soak.processes import RoundError
from tests.soak.rounds import Disturbed, undisturbed

SECONDS_PER_KILL = 25
N_EXTRA = 3
"""Pipelines of a round besides the two that each has."""
MAX_RIVALS = 2
MAX_FAILURES = 3
WRONG = 2


@dataclass(slots=True, kw_only=True)
class Soak:
    """All rounds."""

    folder: Path
    seed: int
    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self, pairing: Pairing, budget: Budget) -> None:
        """Do rounds until the kills of a pairing are spent."""
        while not budget.is_spent and len(self.failed) < MAX_FAILURES:
            with self._lock:
                number = next(self._numbers)
            name = f"round {number} ({pairing})"
            try:
                shapes = self._round(number, pairing, budget)
            except (RoundError, AssertionError) as error:
                self.failed.append(f"{name}: {error}")
                print(f"{name}: FAILED: {error}", flush=True)
            else:
                self.passed.append(name)
                print(f"{name}: as if undisturbed: {shapes}; {budget.n_kills} kills", flush=True)

    def _round(self, number: int, pairing: Pairing, budget: Budget) -> str:
        seed = self.seed * 10_000 + number
        random = Random(seed)
        folder = self.folder / f"round-{number}"
        versions = make_versions(folder / "data", random)
        shapes = draw_shapes(random, N_EXTRA)
        n_rivals = (number + 1) % (MAX_RIVALS + 1)
        mark = f"0{seed:012d}"
        with pairing.place(folder / "undisturbed", mark) as place:
            expected = undisturbed(place, versions, shapes)
        with pairing.place(folder / "disturbed", mark) as place:
            round_ = Disturbed(place=place, random=random, budget=budget, n_rivals=n_rivals)
            round_.check(versions, shapes, expected)
        shutil.rmtree(folder)
        return f"{', '.join(shapes)}, {1 + n_rivals} runner{'s' if n_rivals else ''}"


def main() -> int:
    """Do the rounds and tell how they went."""
    parsed = _parse()
    named = list(zip(parsed.catalog, parsed.store, strict=True))
    for catalog, store in named:
        missing = find_missing(catalog, store)
        if missing:
            print(f"soak: {missing}", file=sys.stderr)
            return WRONG
    seed = parsed.seed if parsed.seed is not None else time.time_ns() % 1_000_000
    deadline = time.monotonic() + (parsed.minutes * 60 or 300 + parsed.kills * SECONDS_PER_KILL)
    print(f"soak: {parsed.kills} kills, seed {seed}", flush=True)
    soak = Soak(folder=Path(tempfile.mkdtemp(prefix="pfs-soak-")), seed=seed)
    began = time.monotonic()
    budgets: dict[str, Budget] = {}
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor())
        started = []
        for number, (catalog, store) in enumerate(named):
            pairing = stack.enter_context(open_pairing(catalog, store))
            n_kills = parsed.kills // len(named) + (number < parsed.kills % len(named))
            budgets[str(pairing)] = budget = Budget(n_kills, deadline)
            n_side = max(1, parsed.side_by_side // len(named))
            started += [pool.submit(soak.work, pairing, budget) for _ in range(n_side)]
        for done in started:
            done.result()
    for name, budget in budgets.items():
        _print_table(name, budget.kills)
        if budget.n_left > 0:
            soak.failed.append(f"{name}: out of time with {budget.n_left} kills left")
    return _tell(soak, sum(budget.n_kills for budget in budgets.values()), began)


def _tell(soak: Soak, n_kills: int, began: float) -> int:
    for line in soak.failed:
        print(line)
    if soak.failed:
        print(f"kept: {soak.folder}; repeat with --seed {soak.seed}")
    else:
        shutil.rmtree(soak.folder)
    print(
        f"{n_kills} kills in {time.monotonic() - began:.0f} s: "
        f"{len(soak.passed)} passed, {len(soak.failed)} failed"
    )
    return 1 if soak.failed else 0


def _print_table(name: str, kills: Counter[tuple[str, str]]) -> None:
    phases = ("put", "plan", "work", "finish", "between")
    victims = sorted({victim for _, victim in kills})
    print(f"\n{name:<18}" + "".join(f"{phase:>9}" for phase in (*phases, "all")))
    for victim in victims:
        counts = [kills[phase, victim] for phase in phases]
        print(f"{victim:<18}" + "".join(f"{n:>9}" for n in (*counts, sum(counts))))
    sums = [sum(kills[phase, victim] for victim in victims) for phase in phases]
    print(f"{'all':<18}" + "".join(f"{n:>9}" for n in (*sums, sum(sums))))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--catalog", nargs="+", choices=tuple(CATALOGS), default=["sqlite"])
    parser.add_argument("--store", nargs="+", choices=tuple(STORES), default=["local"])
    parser.add_argument("--seed", type=int, help="the same kills again, as far as time allows")
    parser.add_argument("--minutes", type=float, default=0, help="give up after that long")
    parser.add_argument("--side-by-side", type=int, default=2, help="rounds at once")
    parsed = parser.parse_args()
    if len(parsed.catalog) != len(parsed.store):
        parser.error("--catalog and --store are paired in their order: name as many of both")
    return parsed


if __name__ == "__main__":
    sys.exit(main())

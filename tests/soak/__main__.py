"""kill -9 at random moments of put, plan, work and finish; the result must be as if undisturbed.

    python -m tests.soak --kills 200 [--seed N] [--minutes M] [--side-by-side N]

A round puts three versions of a folder and runs two chained pipelines over each. Its processes are
killed and started again until they come to an end; then history, files, jobs, datums, results and
memo are compared with a round that nobody disturbed, and no process may be left. Prints a table and
``N passed, M failed``; exits 1 if anything failed. Ends by itself.
"""

import argparse
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from tests.soak.places import Place, make_versions
from tests.soak.rounds import Budget, RoundError, disturb, undisturbed

SECONDS_PER_KILL = 8


def main() -> int:
    parsed = _parse()
    seed = parsed.seed if parsed.seed is not None else time.time_ns() % 1_000_000
    deadline = time.monotonic() + (parsed.minutes * 60 or 120 + parsed.kills * SECONDS_PER_KILL)
    print(f"soak: {parsed.kills} kills, seed {seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="pfs-soak-"))
    budget = Budget(parsed.kills, deadline)
    began = time.monotonic()
    passed: list[str] = []
    failed: list[str] = []
    numbers = iter(range(10_000))
    lock = threading.Lock()

    def work() -> None:
        while not budget.is_spent and len(failed) < 3:
            with lock:
                number = next(numbers)
            try:
                _round(folder / f"round-{number}", seed * 10_000 + number, budget)
            except (RoundError, AssertionError) as error:
                failed.append(f"round {number}: {error}")
                print(f"round {number}: FAILED: {error}", flush=True)
            else:
                passed.append(f"round {number}")
                print(f"round {number}: as if undisturbed ({budget.text})", flush=True)

    with ThreadPoolExecutor(parsed.side_by_side) as pool:
        for done in [pool.submit(work) for _ in range(parsed.side_by_side)]:
            done.result()
    _print_table(budget.kills)
    if budget.n_left:
        failed.append(f"out of time with {budget.n_left} kills left")
    for line in failed:
        print(line)
    if failed:
        print(f"kept: {folder}; repeat with --seed {seed}")
    else:
        shutil.rmtree(folder)
    print(
        f"{budget.n_kills} kills in {time.monotonic() - began:.0f} s: "
        f"{len(passed)} passed, {len(failed)} failed"
    )
    return 1 if failed else 0


def _round(folder: Path, seed: int, budget: Budget) -> None:
    random = Random(seed)
    versions = make_versions(folder / "data", random)
    mark = f"0{seed:012d}"  # part of the code, so the same in both: it decides what is skipped
    expected = undisturbed(Place(folder / "undisturbed", mark), versions)
    disturb(Place(folder / "disturbed", mark), versions, expected, random, budget)
    shutil.rmtree(folder)


def _print_table(kills: Counter[tuple[str, str]]) -> None:
    print(f"\n{'phase':<10}{'killed':<10}{'times':>6}")
    for (phase, victim), count in sorted(kills.items()):
        print(f"{phase:<10}{victim:<10}{count:>6}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, help="the same kills again, as far as time allows")
    parser.add_argument("--minutes", type=float, default=0, help="give up after that long")
    parser.add_argument("--side-by-side", type=int, default=2, help="rounds at once")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

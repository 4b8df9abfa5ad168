"""What a datum costs besides its command: every executor beside a plain start of the same command.

    bench_executor.py [--tasks=N]

The command is `true`; goal: within 3 times of starting it plainly (design, section 17), for which
the shim, three programs in front of the command, has none. Each executor stages nothing, writes the
log, and hides one folder. Rounds are interleaved, so that all meet the same machine; `quick` is the
tenth percentile, which a busy machine disturbs least. The second table has two workers at it at a
time, each with an executor of its own, and says how many of a worker's seconds a task takes.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.contract.executors import PATH, SITUATIONS, Bench, open_bench

GOAL = 3.0
WORKERS = 2


Way = Callable[[], object]
"""Runs one task."""


def main() -> None:
    """Measure and print."""
    options = dict(word.removeprefix("--").split("=", 1) for word in sys.argv[1:] if "=" in word)
    n_tasks = int(options.get("tasks", "200"))
    with ExitStack() as stack:
        ways: dict[str, list[Way]] = {
            "subprocess.run": [run_plainly] * WORKERS,
            "subprocess.run to a log": [run_to_log] * WORKERS,
        }
        for situation in SITUATIONS:
            try:
                workers = [stack.enter_context(open_bench(situation)) for _ in range(WORKERS)]
            except BaseException as reason:  # noqa: BLE001 - pytest's skip is one
                print(f"{situation}: {reason}")
                continue
            ways[f"executor, {situation}"] = [runner(bench) for bench in workers]
        print_table("1 worker", measure({name: each[0] for name, each in ways.items()}, n_tasks))
        print_table(f"{WORKERS} workers", measure_together(ways, n_tasks))


def runner(bench: Bench) -> Way:
    """Return a function that runs one task."""
    task = bench.task("true", hidden=(bench.folder / "hidden",))
    return lambda: bench.executor.run(task)


def run_plainly() -> None:
    """Start the command as any program would."""
    subprocess.run(["true"], check=True, env={"PATH": PATH})


def run_to_log() -> None:
    """The same, with its output taken and appended to a file."""
    done = subprocess.run(
        ["true"], check=True, env={"PATH": PATH}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    with (Path(tempfile.gettempdir()) / f"pfs-bench-{os.getpid()}.log").open("ab") as log:
        log.write(done.stdout)


def measure(ways: dict[str, Way], n_tasks: int) -> dict[str, list[float]]:
    """Return seconds per task, sorted, by way."""
    for way in ways.values():
        way()
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(n_tasks):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            taken[name].append(time.perf_counter() - start)
    return {name: sorted(times) for name, times in taken.items()}


def measure_together(ways: dict[str, list[Way]], n_tasks: int) -> dict[str, list[float]]:
    """Return seconds per task where each way's workers run tasks side by side, sorted."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in range(n_tasks // WORKERS):
            for name, workers in ways.items():
                taken[name] += pool.map(timed, workers)
    return {name: sorted(times) for name, times in taken.items()}


def timed(way: Way) -> float:
    """Run one task and return its seconds."""
    start = time.perf_counter()
    way()
    return time.perf_counter() - start


def print_table(title: str, taken: dict[str, list[float]]) -> None:
    """Print one line a way, with the ratio to the first and the goal."""
    plain = taken["subprocess.run"]
    middle, quick = len(plain) // 2, len(plain) // 10
    print(f"{title:<26}{'quick ms':>10}{'median ms':>11}{'ratio':>8}{'goal':>7}")
    for name, times in taken.items():
        ratio = times[middle] / plain[middle]
        goal = f"{GOAL:.0f}" if name.startswith("executor") and "shim" not in name else ""
        shown = f"{times[quick] * 1e3:>10.2f}{times[middle] * 1e3:>11.2f}"
        print(f"{name:<26}{shown}{ratio:>8.2f}{goal:>7}")
    Path(tempfile.gettempdir(), f"pfs-bench-{os.getpid()}.log").unlink(missing_ok=True)


if __name__ == "__main__":
    main()

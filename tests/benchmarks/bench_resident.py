"""What a program that stays up saves: one with a slow start, beside the same started each time.

And the same for a Python function with some imports, which needs no loop of its own for that.

    bench_resident.py [--datums=50] [--start-ms=500] [--rounds=3]

The program sleeps ``start-ms``, as one that loads a model, and copies its datum's file. One worker
process, a store in a local folder, all datums in one set. `least` is one start and no work at all.
Rounds take turns, so that all meet the same machine; the table has the medians.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pfs_provider import Pfs

GOAL = 0.2
"""Of the time that a start for each datum takes, with the settings of the header."""
COPY = "cp /pfs/in/* /pfs/out/"
FUNCTION = """
import asyncio, email.message, http.client, unittest.mock, xml.dom.minidom
import pathlib, shutil
for path in pathlib.Path("/pfs/in").iterdir():
    shutil.copy(path, "/pfs/out/")
"""
"""Some 100 ms of imports, all of the standard library."""


def main() -> None:
    """Measure and print."""
    options = dict(word.removeprefix("--").split("=", 1) for word in sys.argv[1:] if "=" in word)
    n_datums = int(options.get("datums", "50"))
    start_s = int(options.get("start-ms", "500")) / 1000
    taken: dict[bool, list[float]] = {False: [], True: []}
    functions: dict[bool, list[float]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder, Pfs(home=Path(folder, "home")) as pfs:
        pfs.create_repo("in")
        with pfs.commit("in@master") as c:
            for number in range(n_datums):
                c.put_file(f"/{number}", str(number).encode())
        for number in range(int(options.get("rounds", "3"))):
            for stays_up, times in taken.items():
                transform = shell_program(start_s, stays_up=stays_up)
                times.append(time_job(pfs, f"p{number}{stays_up}", transform))
            for stays_up, times in functions.items():
                transform = python_program(stays_up=stays_up)
                times.append(time_job(pfs, f"f{number}{stays_up}", transform))
    print_table(taken, start_s)
    print_table(functions, None)


def shell_program(start_s: float, *, stays_up: bool) -> dict[str, Any]:
    """Return the transform of a program that loads for a while."""
    loop = ["while pfs next datum; do", COPY, "done"] if stays_up else [COPY]
    return {"cmd": ["sh"], "stdin": [f"sleep {start_s}", *loop], "datum_batching": stays_up}


def python_program(*, stays_up: bool) -> dict[str, Any]:
    """Return the transform of a function's program."""
    lines = FUNCTION.splitlines()
    return {"cmd": [sys.executable, "-"], "stdin": lines, "python_batching": stays_up}


def time_job(pfs: Pfs, name: str, transform: dict[str, Any]) -> float:
    """Return the seconds of a job over all datums, from its plan to its end."""
    spec: dict[str, Any] = {
        "pipeline": {"name": name},
        "input": {"pfs": {"repo": "in", "glob": "/*"}},
        "transform": transform,
        "datum_set_spec": {"number": 1000},
    }
    pfs.create_pipeline(spec)
    start = time.perf_counter()
    (job,) = pfs.run(name, workers=1)
    seconds = time.perf_counter() - start
    assert job.state == "success"
    return seconds


def print_table(taken: dict[bool, list[float]], least_s: float | None) -> None:
    """Print one line a way, with its part of the first and the goal."""
    each, once = (statistics.median(taken[stays_up]) for stays_up in (False, True))
    what = "function" if least_s is None else "program"
    print(f"{what:<26}{'seconds':>9}{'ratio':>8}{'goal':>6}")
    for way, seconds, goal in (
        ("started for each datum", each, ""),
        ("stays up", once, "" if least_s is None else f"{GOAL:.2f}"),
        ("least", least_s, ""),
    ):
        if seconds is None:
            continue
        print(f"{way:<26}{seconds:>9.2f}{seconds / each:>8.2f}{goal:>6}")


if __name__ == "__main__":
    main()

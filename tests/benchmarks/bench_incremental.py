"""Planning and finishing a job with one new datum, among few and among many.

    bench_incremental.py [--inputs=pfs,join,group,join-ends,group-ends] [--counts=100,10000]
                         [--new=1] [--rounds=3] [--folder=PLACE]

Goal (design, section 17): with 1,000,000 datums within 5 times of with 100, and below 1 s; memory
does not grow with the datums. Ask for a million by `--counts=100,10000,1000000`: building it takes
some minutes. A join has one file a side and key, a group two files a key; keys are the beginnings
of the files' names, or with `-ends` their ends. SQLite and a local folder. Plan and finish are the
real ones; in between nothing is run: each datum's output is its input file, by reference. Every
phase is a process of its own, whose peak of resident memory is shown; the first round of a phase
finds its caches empty.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pfs_provider.jobs.keys import JobRef, parse_job_ref
from pfs_provider.jobs.records import DatumRecord, DatumResult, SetResult
from pfs_provider.pfs import Pfs
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.tree import find_entries
from pfs_provider.storage.values import TreeRef, parse_tree_ref
from tests.pfs_world import engine_of, make_queue


def keyed(glob: str) -> list[dict[str, object]]:
    """Return two inputs with keys."""
    words = {"glob": glob, "join_on": "$1", "group_by": "$1"}
    return [{"pfs": {"repo": repo, **words}} for repo in ("in", "side")]


INPUTS: dict[str, dict[str, object]] = {
    "pfs": {"pfs": {"repo": "in", "glob": "/*"}},
    "join": {"join": keyed("/(*)-*")},
    "group": {"group": keyed("/(*)-*")},
    "join-ends": {"join": keyed("/*-(*)")},
    "group-ends": {"group": keyed("/*-(*)")},
}
WHEN = datetime(2020, 1, 1, tzinfo=UTC)
GOAL_S, GOAL_RATIO = 1.0, 5.0
SPARE = 100
"""Files of a join's other side that wait for a partner."""
Figures = dict[str, float]


def main() -> None:
    """Measure every count in processes of their own, and print."""
    options = dict(word.removeprefix("--").split("=", 1) for word in sys.argv[1:] if "=" in word)
    if "phase" in options:
        phase = PHASES[options["phase"]]
        print(json.dumps(phase(Path(options["home"]), int(options["n"]), options["input"])))
        return
    print(
        f"{'datums':>9}  {'step':<26}{'plan s':>9}{'finish s':>10}{'both':>9}{'ratio':>8}", end=""
    )
    print(f"{'peak MiB':>10}  goal")
    for name in options.get("inputs", ",".join(INPUTS)).split(","):
        measure(name, options)


def measure(name: str, options: dict[str, str]) -> None:
    """Measure an input with every count."""
    n_new, n_rounds = int(options.get("new", "1")), int(options.get("rounds", "3"))
    least: float | None = None
    for text in options.get("counts", "100,10000").split(","):
        n_datums = int(text)
        with tempfile.TemporaryDirectory(dir=options.get("folder"), prefix="pfs-bench-") as folder:
            home = Path(folder)
            run_phase("put", home, n_datums, name)
            show(n_datums, f"{name}, all of them", run_phase("every", home, n_datums, name))
            rounds = [run_phase("more", home, n_new, name) for _ in range(n_rounds)]
            best = min(rounds, key=lambda each: each["plan"] + each["finish"])
            both = best["plan"] + best["finish"]
            least = both if least is None else least
            goal = f"below {GOAL_S:.0f} s, ratio below {GOAL_RATIO:.0f}"
            show(n_datums, f"{name}, {n_new} new", best, ratio=both / least, goal=goal)


def show(
    n_datums: int, step: str, figures: Figures, *, ratio: float | None = None, goal: str = ""
) -> None:
    """Print one line."""
    both = figures["plan"] + figures["finish"]
    times = f"{figures['plan']:>9.3f}{figures['finish']:>10.3f}{both:>9.3f}"
    shown = "" if ratio is None else f"{ratio:.2f}"
    print(f"{n_datums:>9}  {step:<26}{times}{shown:>8}{figures['peak']:>10.0f}  {goal}", flush=True)


def run_phase(name: str, home: Path, number: int, input_name: str) -> Figures:
    """Run one phase in a process of its own."""
    words = [f"--phase={name}", f"--home={home}", f"--n={number}", f"--input={input_name}"]
    command = [sys.executable, "-m", "tests.benchmarks.bench_incremental", *words]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    figures: Figures = json.loads(done.stdout)
    return figures


def path_of(number: int, side: str, name: str) -> str:
    """Return a file's path: with keys that come in the order of paths, or far from it."""
    if name.endswith("-ends"):
        return f"/{side}{number * 2654435761 % 2**32:08x}-{number:08}"
    return f"/{number:08}-{side}" if name != "pfs" else f"/{number:08}"


def put(home: Path, n_datums: int, name: str) -> Figures:
    """Commit that many files, and a pipeline over them."""
    with Pfs(home=home) as pfs:
        for repo in ("in", "side"):
            pfs.create_repo(repo)
        with pfs.commit("in@master") as c:
            for number in range(n_datums):
                c.put_file(path_of(number, "a", name), str(number).encode())
        if name != "pfs":
            with pfs.commit("side@master") as c:
                for number in range(n_datums + SPARE * name.startswith("join")):
                    c.put_file(path_of(number, "b", name), str(number).encode())
        transform = {"cmd": ["true"]}
        pipeline = {"pipeline": {"name": "out"}, "input": INPUTS[name], "transform": transform}
        pfs.create_pipeline(pipeline)
    return {}


def every(home: Path, n_datums: int, name: str) -> Figures:
    """Plan, work and finish the first job."""
    with Pfs(home=home) as pfs:
        return run_job(pfs, total=n_datums, processed=n_datums)


def more(home: Path, n_new: int, name: str) -> Figures:
    """Commit some more files, and run the job of that commit."""
    with Pfs(home=home) as pfs:
        (last,) = pfs.list_jobs("out", limit=1)
        with pfs.commit("in@master") as c:
            for number in range(n_new):
                c.put_file(path_of(last.total + number, "a", name), b"new")
        return run_job(pfs, total=last.total + n_new, processed=n_new)


PHASES: dict[str, Callable[[Path, int, str], Figures]] = {"put": put, "every": every, "more": more}


def run_job(pfs: Pfs, *, total: int, processed: int) -> Figures:
    """Run the job that is ready; the counts are what must come out."""
    claimed = pfs.claim_job("out", owner="bench")
    assert claimed is not None
    name = f"out@{claimed.id}"
    figures = {}
    start = time.perf_counter()
    pfs.plan_job(name)
    figures["plan"] = time.perf_counter() - start
    jobs = engine_of(pfs)
    work(jobs.storage, parse_job_ref(name))
    start = time.perf_counter()
    job = pfs.finish_job(name)
    figures["finish"] = time.perf_counter() - start
    assert (job.state, job.total, job.processed) == ("success", total, processed), job
    figures["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return figures


def work(storage: Storage, ref: JobRef) -> None:
    """Deliver every set, with the input files as output."""
    queue = make_queue(storage, ref)
    pin = next(pin for pin in queue.plan.inputs if "side" not in pin.branch)
    while (taken := queue.take(lambda: False)) is not None:
        done = copied(storage, parse_tree_ref(pin.tree), taken.record.datums)
        result = SetResult(worker=queue.worker, incarnation=queue.incarnation, datums=done)
        queue.deliver(taken.number, result)


def copied(storage: Storage, tree: TreeRef, datums: list[DatumRecord]) -> list[DatumResult]:
    """Return results that hold the datums' input files."""
    paths = [datum.pieces[0].path for datum in datums]
    out = []
    for datum, path, entry in zip(datums, paths, find_entries(storage, tree, paths), strict=True):
        assert entry is not None
        out.append(
            DatumResult(
                id=datum.id,
                key=datum.key,
                pieces=datum.pieces,
                state="success",
                tries=1,
                exit_code=0,
                reason="",
                started=WHEN,
                finished=WHEN,
                rows=Rows.from_entries([(path, entry)]).with_datum(datum.id).encode(),
            )
        )
    return out


if __name__ == "__main__":
    main()

"""What staging ahead and storing beside save: a job over a slow store, beside the same one by one.

    bench_prefetch.py [--datums=16] [--delay-ms=20] [--work-ms=200] [--rounds=3]

The store is MinIO, in memory where there is none; each call to it takes ``delay-ms`` more, as over
a network. A datum is a file of 2 MiB, which user code copies and then sleeps ``work-ms``. `least`
is user code alone: the goal is how near to that the overlapping comes. Rounds take turns, so that
all meet the same machine; the table has the medians.
"""

import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.jobs.plan import plan_job
from pfs_provider.storage.handle import Storage
from pfs_provider.worker.executors.port import Task
from tests.pfs_world import PfsWorld, copy_code, make_session, spec
from tests.services import REGION, need, s3_bucket, s3_options
from tests.watched_store import WatchedStore

if TYPE_CHECKING:
    from pfs_provider.jobs.keys import JobRef

SIZE = 2 << 20
GOAL = 1.25
"""Times the least, with the settings of the header."""


def main() -> None:
    """Measure and print."""
    options = dict(word.removeprefix("--").split("=", 1) for word in sys.argv[1:] if "=" in word)
    n_datums = int(options.get("datums", "16"))
    delay_s, work_s = (
        int(options.get(name, default)) / 1000
        for name, default in (("delay-ms", "20"), ("work-ms", "200"))
    )
    taken: dict[bool, list[float]] = {True: [], False: []}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        world = PfsWorld(folder / "world", **open_place(stack))
        stack.callback(world.close)
        slow = WatchedStore(world.storage.store, lambda _verb, _key: time.sleep(delay_s))
        storage = stack.enter_context(Storage(slow, clock=SystemClock()))
        world.executor.code["code"] = lambda task: work(task, work_s)
        world.pfs.create_repo("in")
        for _ in range(int(options.get("rounds", "3"))):
            for is_serial, times in taken.items():
                times.append(time_job(world, storage, n_datums, is_serial=is_serial))
    print_table(taken, n_datums * work_s)


def open_place(stack: ExitStack) -> dict[str, Any]:
    """Return what a world needs for a store in MinIO, or in memory."""
    try:
        endpoint = need("PFS_TEST_S3_ENDPOINT", "minio")
    except pytest.skip.Exception as reason:
        print(f"the store is in memory: {reason}")
        return {}
    bucket = stack.enter_context(s3_bucket())
    url = f"s3://{bucket}/pfs?endpoint={endpoint}&region={REGION}"
    return {"store": url, "store_options": s3_options()}


def work(task: Task, work_s: float) -> int:
    """Be user code."""
    code = copy_code(task)
    time.sleep(work_s)
    return code


def time_job(world: PfsWorld, storage: Storage, n_datums: int, *, is_serial: bool) -> float:
    """Return the seconds that one worker takes for a job of new files, all in one set."""
    name = f"p{time.monotonic_ns()}"
    world.commit("in@master", {f"/{name}/{number}": os.urandom(SIZE) for number in range(n_datums)})
    world.pfs.create_pipeline(
        spec(name, "code", glob=f"/{name}/*", datum_set_spec={"number": n_datums})
    )
    job: JobRef = world.claim(name)
    plan_job(world.jobs, job)
    session = make_session(storage, job, world.executor, world.folder / "scratch")
    session.is_serial = is_serial
    start = time.perf_counter()
    session.run()
    seconds = time.perf_counter() - start
    assert world.pfs.finish_job(str(job)).state == "success"
    return seconds


def print_table(taken: dict[bool, list[float]], least_s: float) -> None:
    """Print one line a way, with how much faster it is and the goal."""
    serial, overlapping = (statistics.median(taken[is_serial]) for is_serial in (True, False))
    print(f"{'way':<14}{'seconds':>9}{'faster':>8}{'x least':>9}{'goal':>6}")
    for way, seconds, goal in (
        ("one by one", serial, ""),
        ("overlapping", overlapping, f"{GOAL:.2f}"),
        ("least", least_s, ""),
    ):
        ratios = f"{serial / seconds:>8.2f}{seconds / least_s:>9.2f}"
        print(f"{way:<14}{seconds:>9.2f}{ratios}{goal:>6}")


if __name__ == "__main__":
    main()

"""What a command's output costs a worker: memory and time, however much it prints.

    bench_logs.py [--mib=N]

Each row is a worker process of its own that takes the output of `head -c`, keeps the log within its
limit of 64 MiB and stores it as it grows, in a folder. Goal: the peak memory of the largest row is
within 1.5 times of that of the smallest. The last row hides two secrets.
"""

import resource
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

from pfs_provider.clock import SystemClock
from pfs_provider.jobs.keys import parse_job_ref
from pfs_provider.jobs.objects import JobObjects
from pfs_provider.storage.stores.open import open_store
from pfs_provider.worker.executors.choice import open_executor
from pfs_provider.worker.executors.port import Task
from pfs_provider.worker.log_mirror import LogMirror

GOAL = 1.5
FLUSH_S = 0.5
JOB = parse_job_ref("bench@0123456789ab4def8123456789abcdef")


def main() -> None:
    """Measure and print; with ``--one`` be one of the workers."""
    if sys.argv[1:2] == ["--one"]:
        work(int(sys.argv[2]), tuple(sys.argv[3:]))
        return
    options = dict(word.removeprefix("--").split("=", 1) for word in sys.argv[1:] if "=" in word)
    most = int(options.get("mib", "2048"))
    print(f"{'printed':>10} {'secrets':>8} {'seconds':>8} {'peak MiB':>9} {'kept MiB':>9}")
    peaks: list[float] = []
    for mib, secrets in (
        (1, ()),
        (128, ()),
        (most, ()),
        (most, ("hunter2-hunter2", "a line of others")),
    ):
        argv = [sys.executable, "-m", "tests.benchmarks.bench_logs", "--one", str(mib)]
        said = subprocess.run([*argv, *secrets], check=True, capture_output=True, text=True).stdout
        seconds, peak, kept = (float(word) for word in said.split())
        peaks.append(peak)
        print(f"{mib:>6} MiB {len(secrets):>8} {seconds:>8.2f} {peak:>9.1f} {kept:>9.1f}")
    ratio = max(peaks) / peaks[0]
    print(f"peak of the largest / of the smallest: {ratio:.2f} (goal: {GOAL})")


def work(mib: int, secrets: tuple[str, ...]) -> None:
    """Run the command, and print seconds, peak memory and what is kept of its output."""
    with tempfile.TemporaryDirectory() as folder, closing(open_executor()) as executor:
        here = Path(folder)
        root, log = here / "pfs", here / "log"
        (root / "out").mkdir(parents=True)
        objects = JobObjects(open_store(str(here / "store")), SystemClock())
        mirror, ended = LogMirror(objects, JOB, b"\1" * 16, log), threading.Event()
        thread = threading.Thread(target=store, args=(mirror, ended))
        thread.start()
        started = time.monotonic()
        script = f"yes 'a line as programs print them, with a number 123456' | head -c {mib << 20}"
        task = Task(root=root, cmd=("sh", "-c", script), env={"PATH": "/usr/bin:/bin"}, log=log,
                    secrets=secrets)  # fmt: skip
        executor.run(task)
        ended.set()
        thread.join()
        mirror.store()
        seconds = time.monotonic() - started
        kept = sum(info.size for info in objects.list(JOB.log(b"")))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(seconds, peak, kept / (1 << 20))


def store(mirror: LogMirror, ended: threading.Event) -> None:
    """Store the log as a session does, more often."""
    while not ended.wait(FLUSH_S):
        mirror.store()


if __name__ == "__main__":
    main()

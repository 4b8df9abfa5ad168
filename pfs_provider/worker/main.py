"""The worker's entry: ``python -m pfs_provider.worker PIPELINE@JOB --number N --of M``.

Exits 0 when nothing is left to do or it was told to stop, 1 when the store fails; its standard
error says why. Knows the store, not the catalog.
"""

import argparse
import ctypes
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from pfs_provider import wiring
from pfs_provider.clock import RandomIds, SystemClock
from pfs_provider.errors import ConflictError, ErrorCode, PfsError
from pfs_provider.jobs.keys import JobRef, parse_job_ref
from pfs_provider.jobs.objects import JobObjects
from pfs_provider.jobs.queue import LEASE_S, WorkQueue, read_plan
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.values import parse_tree_ref
from pfs_provider.worker.datums import DatumWorker
from pfs_provider.worker.executors.choice import open_executor
from pfs_provider.worker.executors.port import Executor
from pfs_provider.worker.scratch import open_scratch
from pfs_provider.worker.session import WorkSession
from pfs_provider.worker.stopping import StopSign

__all__ = ["main"]

PR_SET_PDEATHSIG = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Work on one job and return the exit code."""
    parsed = _parse(arguments)
    if parsed.parent is not None and not _follow_parent(parsed.parent):
        return 0
    stop = StopSign()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        with wiring.open_worker_storage() as storage:
            executor = open_executor(parsed.executor)
            try:
                _work(storage, executor, parsed, stop)
            finally:
                executor.close()
    except PfsError as error:
        sys.stderr.write(f"error: {error} [{error.code}]\n")
        return 1
    return 0


def _work(storage: Storage, executor: Executor, parsed: argparse.Namespace, stop: StopSign) -> None:
    job: JobRef = parse_job_ref(parsed.job)
    plan = read_plan(JobObjects(storage.store, storage.clock), job)
    if plan is None:
        raise ConflictError(
            ErrorCode.JOB_NOT_READY, f"{job} has no plan yet: plan it first", job=str(job)
        )
    n_sets = max(1, len(plan.set_sizes))
    queue = WorkQueue(
        store=storage.store,
        job=job,
        plan=plan,
        worker=f"{parsed.name}-{parsed.number}",
        incarnation=RandomIds().new_id(),
        clock=SystemClock(),
        lease_s=parsed.lease,
        offset=parsed.number * n_sets // max(1, parsed.of),
    )
    with open_scratch(None if parsed.scratch is None else Path(parsed.scratch)) as scratch:
        root = scratch / "pfs"
        root.mkdir()
        worker = DatumWorker(
            storage=storage,
            plan=plan,
            trees={pin.branch: parse_tree_ref(pin.tree) for pin in plan.inputs},
            executor=executor,
            root=root,
            log=scratch / "log",
            hidden=tuple(Path(text) for text in json.loads(parsed.hidden)),
            clock=SystemClock(),
            stopping=stop.is_set,
        )
        WorkSession(storage=storage, job=job, queue=queue, worker=worker, stop=stop).run()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pfs-worker", description=__doc__)
    parser.add_argument("job", help="[PROJECT/]PIPELINE@ID")
    parser.add_argument("--name", default="worker", help="whose; equal names never run at once")
    parser.add_argument("--number", type=int, default=0, help="which worker this is, from 0")
    parser.add_argument("--of", type=int, default=1, help="how many workers there are")
    parser.add_argument("--executor", default="process", help="how user code is run")
    parser.add_argument("--lease", type=float, default=LEASE_S, help="seconds of silence to death")
    parser.add_argument("--parent", type=int, help="end when this process, which started it, does")
    parser.add_argument("--hidden", default="[]", help="JSON list of folders to hide")
    parser.add_argument("--scratch", help="folder for staged files; the system's by default")
    return parser.parse_args(arguments)


def _follow_parent(parent: int) -> bool:
    """Ask the kernel for SIGTERM when the launcher dies; return False if it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    return os.getppid() == parent

"""The worker's entry: ``python -m pfs_provider.worker PIPELINE@JOB --number N --of M``.

Exits 0 when nothing is left to do or it was told to stop (143 in a pod, which is replaced then), 1
when the store or the executor fails; its standard error, and the file that a pod is read by, say
why. Knows the store, not the catalog.
"""

import argparse
import ctypes
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from pfs_provider import wiring
from pfs_provider.clock import RandomIds, SystemClock
from pfs_provider.errors import ConflictError, ErrorCode, PfsError
from pfs_provider.jobs.keys import JobRef, parse_job_ref
from pfs_provider.jobs.objects import JobObjects
from pfs_provider.jobs.queue import LEASE_S, WorkQueue, read_plan
from pfs_provider.jobs.records import PlanRecord
from pfs_provider.jobs.secrets import NO_SECRETS, read_given
from pfs_provider.settings import engine_environment, store_secrets
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.values import parse_tree_ref
from pfs_provider.worker.clients import client_variables
from pfs_provider.worker.datums import DatumWorker
from pfs_provider.worker.environment import search_path
from pfs_provider.worker.events import EventLog
from pfs_provider.worker.executors.asking import NEXT
from pfs_provider.worker.executors.choice import open_executor
from pfs_provider.worker.executors.container import SHIM as SHIM_FOLDER
from pfs_provider.worker.executors.container import Box, share_folder
from pfs_provider.worker.executors.port import Executor
from pfs_provider.worker.executors.resident import ResidentExecutor
from pfs_provider.worker.looping import loop_program
from pfs_provider.worker.metrics import WorkerMetrics, serve_metrics
from pfs_provider.worker.scratch import open_scratch
from pfs_provider.worker.session import WorkSession
from pfs_provider.worker.standing import Stand
from pfs_provider.worker.stopping import StopSign

__all__ = ["main"]

PR_SET_PDEATHSIG = 1
SHIM, CONTAINER = "shim", "container"
CONTAINERS = frozenset({SHIM, CONTAINER})
"""Executors whose user code is in an image of its own, with the image's variables."""
TERMINATED = 128 + signal.SIGTERM
SHARED_UMASK = 0o002
"""User code, another user in the pod's group, changes and removes what the worker staged."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Work on one job and return the exit code."""
    parsed = _parse(arguments)
    if parsed.parent is not None and not _follow_parent(parsed.parent):
        return 0
    if parsed.executor in CONTAINERS:
        os.umask(SHARED_UMASK)
    stop, told = StopSign(), StopSign()

    def end(*_: object) -> None:
        told.set()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        events = _open_events(parsed)
    except PfsError as error:
        _tell(f"error: {error} [{error.code}]\n", parsed.termination_log)
        return 1
    events.tell("worker-started", number=parsed.number, of=parsed.of)
    try:
        with wiring.open_worker_storage() as storage:
            executor = open_executor(
                parsed.executor,
                shim=None if parsed.shim is None else Path(parsed.shim),
                memory_limit=parsed.memory_limit,
                box=None if parsed.container is None else _read_box(parsed),
            )
            try:
                _work(storage, executor, parsed, stop, events)
            finally:
                executor.close()
    except PfsError as error:
        events.tell("worker-ended", level="error", reason=str(error), code=str(error.code))
        _tell(f"error: {error} [{error.code}]\n", parsed.termination_log)
        return 1
    events.tell("worker-ended", reason="it was stopped" if stop.is_set() else "nothing is left")
    if told.is_set() and parsed.executor == SHIM:
        # To Kubernetes a 0 means that this worker is never needed again; its node is drained only.
        _tell("it was told to stop; another takes up its work\n", parsed.termination_log)
        return TERMINATED
    return 0


def _work(
    storage: Storage,
    executor: Executor,
    parsed: argparse.Namespace,
    stop: StopSign,
    events: EventLog,
) -> None:
    job: JobRef = parse_job_ref(parsed.job)
    plan = read_plan(JobObjects(storage.store, storage.clock), job)
    if plan is None:
        raise ConflictError(
            ErrorCode.JOB_NOT_READY, f"{job} has no plan yet: plan it first", job=str(job)
        )
    given = read_given(sys.stdin.buffer.read()) if parsed.secrets else NO_SECRETS
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
    with ExitStack() as stack:
        parent = None if parsed.scratch is None else Path(parsed.scratch)
        scratch = stack.enter_context(open_scratch(parent))
        stays_up = plan.command.stays_up and not parsed.stand
        if stays_up:
            executor = _keep_up(executor, plan, parsed)
            stack.callback(executor.close)  # before its folder is removed
        root = scratch / "pfs" if parsed.root is None else Path(parsed.root)
        root.mkdir(exist_ok=True)
        if parsed.executor == CONTAINER:  # a pod's is shared when the pod is made
            share_folder(root)
        worker = DatumWorker(
            storage=storage,
            plan=plan,
            trees={pin.branch: parse_tree_ref(pin.tree) for pin in plan.inputs},
            executor=executor,
            root=root,
            log=scratch / "log",
            hidden=tuple(Path(text) for text in json.loads(parsed.hidden)),
            path=None if parsed.executor in CONTAINERS else search_path(sys.executable),
            clock=SystemClock(),
            stopping=stop.is_set,
            events=events,
            secrets=(*store_secrets(), *given.values),
            given=given,
            kept=NEXT if stays_up else "",
        )
        if parsed.stand:
            is_client = parsed.client and not (plan.tars and plan.tars.is_only_way)
            Stand(
                storage=storage,
                job=job,
                plan=plan,
                trees=worker.trees,
                executor=executor,
                root=root,
                log=worker.log,
                hidden=() if is_client else worker.hidden,
                path=worker.path,
                client=client_variables() if parsed.client else {},
                is_client=is_client,
                port=parsed.port,
                clock=worker.clock,
                stop=stop,
                secrets=worker.secrets,
                given=given,
            ).run()
            return
        WorkSession(
            storage=storage,
            job=job,
            queue=queue,
            worker=worker,
            stop=stop,
            is_serial=parsed.serial,
        ).run()


def _keep_up(executor: Executor, plan: PlanRecord, parsed: argparse.Namespace) -> ResidentExecutor:
    command = plan.command
    return ResidentExecutor(
        executor,
        clock=SystemClock(),
        cmd=tuple(command.cmd),
        stdin=tuple(command.stdin),
        start=(*command.cmd[:-1], "-c", loop_program()) if command.is_looped else (),
        start_s=plan.program_start_s,
        sh=f"{SHIM_FOLDER}/busybox sh" if parsed.executor in CONTAINERS else "/bin/sh",
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pfs-worker", description=__doc__)
    parser.add_argument("job", help="[PROJECT/]PIPELINE@ID")
    parser.add_argument("--name", default="worker", help="whose; equal names never run at once")
    parser.add_argument("--number", type=int, default=0, help="which worker this is, from 0")
    parser.add_argument("--of", type=int, default=1, help="how many workers there are")
    parser.add_argument("--executor", default="process", help="process, container or shim")
    parser.add_argument("--shim", help="folder of the shim, for that executor")
    parser.add_argument("--container", help="JSON: engine, image, options, group; for container")
    parser.add_argument("--root", help="folder that user code sees as /pfs; made by default")
    parser.add_argument("--memory-limit", default="", help="of user code, to be told when it dies")
    parser.add_argument("--lease", type=float, default=LEASE_S, help="seconds of silence to death")
    parser.add_argument("--parent", type=int, help="end when this process, which started it, does")
    parser.add_argument("--hidden", default="[]", help="JSON list of folders to hide")
    parser.add_argument("--scratch", help="folder for staged files; the system's by default")
    parser.add_argument("--stand", action="store_true", help="keep the one datum's command up")
    parser.add_argument("--client", action="store_true", help="it may commit by itself")
    parser.add_argument("--port", type=int, help="what it listens on, on this machine")
    parser.add_argument("--secrets", action="store_true", help="read those of user code from stdin")
    parser.add_argument("--serial", action="store_true", help="hold no second datum while one runs")
    parser.add_argument("--log-json", action="store_true", help="tell events on standard output")
    parser.add_argument("--metrics-port", type=int, help="serve Prometheus metrics on this port")
    parser.add_argument("--metrics-host", default="127.0.0.1", help="address that is served on")
    parser.add_argument(
        "--termination-log", help="file that gets the reason of an exit with 1, too"
    )
    return parser.parse_args(arguments)


def _read_box(parsed: argparse.Namespace) -> Box:
    """Return what kind of container jobs/container_options.py has asked for."""
    said = json.loads(parsed.container)
    return Box(
        engine=said["engine"],
        image=said["image"],
        environment=engine_environment(),
        options=tuple(said["options"]),
        group=said["group"],
        memory_limit=parsed.memory_limit,
    )


def _open_events(parsed: argparse.Namespace) -> EventLog:
    """Return the log of what this worker does; a silent one unless it was asked for."""
    pipeline, _, job = parsed.job.partition("@")
    about = {"job": job, "pipeline": pipeline, "worker": f"{parsed.name}-{parsed.number}"}
    listener = None
    if parsed.metrics_port is not None:
        metrics = WorkerMetrics(**about)
        serve_metrics(metrics, host=parsed.metrics_host, port=parsed.metrics_port)
        listener = metrics.note
    return EventLog(sys.stdout if parsed.log_json else None, listener=listener, **about)


def _tell(sentence: str, termination_log: str | None) -> None:
    """Say why this worker ends, to whoever reads its output and to whoever looks at the pod."""
    sys.stderr.write(sentence)
    if termination_log is not None:
        with suppress(OSError):
            Path(termination_log).write_text(sentence, encoding="utf-8")


def _follow_parent(parent: int) -> bool:
    """Ask the kernel for SIGTERM when the launcher dies; return False if it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    return os.getppid() == parent

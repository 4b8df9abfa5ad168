"""A whole engine with few words: a façade, and jobs that run in this process within milliseconds.

User code is a Python function on the task's folder, chosen by the name in ``transform.cmd``;
all else is real: catalog, store, plan, queue, sessions, finish.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

from pfs_provider.clock import RandomIds, SystemClock
from pfs_provider.errors import ErrorCode, FailedError
from pfs_provider.infos import JobInfo
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef, parse_job_ref
from pfs_provider.jobs.launcher import WorkersState, find_s3_fields
from pfs_provider.jobs.queue import WorkQueue, read_plan
from pfs_provider.jobs.runner import Runner
from pfs_provider.pfs import Pfs
from pfs_provider.refs.addresses import parse_address
from pfs_provider.spec.model import PipelineSpec
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.values import TreeRef, parse_tree_ref
from pfs_provider.verbs.session import Session
from pfs_provider.versioning.trees import read_commit
from pfs_provider.versioning.versions import Versions
from pfs_provider.worker.datums import DatumWorker
from pfs_provider.worker.environment import search_path
from pfs_provider.worker.executors.port import Executor, Outcome, Task
from pfs_provider.worker.session import WorkSession

Code = Callable[[Task], int]
"""User code: reads and writes below ``task.root`` and returns the exit code."""


def copy_code(task: Task) -> int:
    """Copy every input file to the same path."""
    for folder in inputs(task):
        for file in files(folder):
            write(task, str(file.relative_to(folder)), file.read_bytes())
    return 0


def upper_code(task: Task) -> int:
    """Copy every input file in capital letters."""
    for folder in inputs(task):
        for file in files(folder):
            write(task, str(file.relative_to(folder)), file.read_bytes().upper())
    return 0


def join_code(task: Task) -> int:
    """Put all input files, in path order, into the one file ``all``."""
    write(
        task,
        "all",
        b"".join(file.read_bytes() for folder in inputs(task) for file in files(folder)),
    )
    return 0


def picky_code(task: Task) -> int:
    """Copy, but fail at a file that holds ``bad``."""
    if any(b"bad" in file.read_bytes() for folder in inputs(task) for file in files(folder)):
        return 3
    return copy_code(task)


def fail_code(task: Task) -> int:
    """Fail."""
    return 1


def rest_code(task: Task) -> int:
    """Do nothing, well."""
    return 0


CODE: Mapping[str, Code] = {
    "copy": copy_code, "upper": upper_code, "join": join_code,
    "picky": picky_code, "fail": fail_code, "rest": rest_code,
}  # fmt: skip


def inputs(task: Task) -> list[Path]:
    return sorted(child for child in task.root.iterdir() if child.name != "out")


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def write(task: Task, path: str, data: bytes) -> None:
    target = task.root / "out" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


@dataclass(slots=True)
class PythonExecutor:
    """Runs functions. What it ran is in ``tasks``."""

    code: dict[str, Code]
    tasks: list[Task] = field(default_factory=list)
    closed: bool = False

    def run(self, task: Task) -> Outcome:
        self.tasks.append(task)
        if self.closed:
            raise FailedError(ErrorCode.WORKER_FAILED, "closed")
        if task.cmd[0] not in self.code:
            raise FailedError(ErrorCode.COMMAND_NOT_FOUND, f"command {task.cmd[0]!r} is not there")
        status = self.code[task.cmd[0]](task)
        now = datetime.now(UTC)
        return Outcome(
            exit_code=status if status >= 0 else None,
            signal=-status if status < 0 else None,
            timed_out=False,
            started=now,
            finished=now,
        )

    def close(self) -> None:
        self.closed = True


@dataclass(slots=True)
class Worked:
    """Workers that have ended."""

    state: WorkersState = field(default_factory=lambda: WorkersState(alive=0))

    def poll(self) -> WorkersState:
        return self.state

    def stop(self) -> None:
        pass

    def leave(self) -> None:
        pass


@dataclass(slots=True, kw_only=True)
class InlineLauncher:
    """Works a job to its end inside ``launch``, by as many sessions as there are workers."""

    storage: Storage
    executor: Executor
    folder: Path
    place: str = "workers in this process"

    def find_unsupported(self, spec: PipelineSpec) -> tuple[str, ...]:
        return find_s3_fields(spec)

    def launch(self, job: JobRef, spec: PipelineSpec, n_workers: int) -> Worked:
        for number in range(n_workers):
            make_session(self.storage, job, self.executor, self.folder, number=number).run()
        return Worked()


def make_queue(
    storage: Storage, job: JobRef, *, number: int = 0, lease_s: float = 30.0
) -> WorkQueue:
    plan = read_plan(storage.store, job)
    assert plan is not None
    return WorkQueue(
        store=storage.store,
        job=job,
        plan=plan,
        worker=f"worker-{number}",
        incarnation=RandomIds().new_id(),
        clock=SystemClock(),
        lease_s=lease_s,
    )


def make_worker(
    storage: Storage, queue: WorkQueue, executor: Executor, folder: Path, *, stop: Event
) -> DatumWorker:
    root = folder / f"pfs-{queue.incarnation}"
    root.mkdir(parents=True)
    return DatumWorker(
        storage=storage,
        plan=queue.plan,
        trees={pin.branch: parse_tree_ref(pin.tree) for pin in queue.plan.inputs},
        executor=executor,
        root=root,
        log=folder / f"log-{queue.incarnation}",
        hidden=(),
        path=search_path(sys.executable),
        clock=SystemClock(),
        stopping=stop.is_set,
    )


def make_session(
    storage: Storage, job: JobRef, executor: Executor, folder: Path, *, number: int = 0
) -> WorkSession:
    stop = Event()
    queue = make_queue(storage, job, number=number)
    worker = make_worker(storage, queue, executor, folder, stop=stop)
    return WorkSession(storage=storage, job=job, queue=queue, worker=worker, stop=stop)


def cut_short(world: "PfsWorld", job: JobRef) -> str:
    """Work two of three sets of a planned job, of files `a`, `b` and `c`, and return its name."""
    session = make_session(world.storage, job, world.executor, world.folder / "s")

    def stop_at_third(task: Task) -> int:
        if (task.root / "in" / "c").exists():
            session.stop.set()
        return copy_code(task)

    world.executor.code["some"] = stop_at_third
    session.run()
    return str(job)


def engine_of(pfs: Session) -> Jobs:
    """The rooms below a façade, which tests of those rooms drive themselves."""
    return pfs._jobs


def spec(
    name: str, cmd: str = "copy", *, repo: str = "in", glob: str = "/*", **more: Any
) -> dict[str, Any]:
    """A pipeline over one input; ``cmd`` names a function of CODE."""
    transform = {"cmd": [cmd], **more.pop("transform", {})}
    source = more.pop("input", {"pfs": {"repo": repo, "glob": glob}})
    return {"pipeline": {"name": name}, "input": source, "transform": transform, **more}


class PfsWorld:
    """An engine in a folder: catalog in SQLite, store in memory unless a URL says otherwise."""

    def __init__(
        self, folder: Path, *, catalog: str | None = None, store: str = "memory://", **more: Any
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.pfs = Pfs(catalog=catalog or f"sqlite:///{folder / 'catalog.db'}", store=store, **more)
        self.executor = PythonExecutor(dict(CODE))

    @property
    def jobs(self) -> Jobs:
        return engine_of(self.pfs)

    @property
    def versions(self) -> Versions:
        return self.jobs.versions

    @property
    def storage(self) -> Storage:
        return self.jobs.storage

    def close(self) -> None:
        self.pfs.close()

    def put(self, branch: str = "in@master", /, **contents: str | bytes | None) -> str:
        """Commit files by name, None deletes, and return the id."""
        return self.commit(branch, {f"/{name}": data for name, data in contents.items()})

    def commit(self, branch: str, contents: Mapping[str, str | bytes | None]) -> str:
        with self.pfs.commit(branch) as c:
            for path, data in contents.items():
                if data is None:
                    c.delete_file(path)
                else:
                    c.put_file(path, data.encode() if isinstance(data, str) else data)
        return c.id

    def runner(self, *, n_workers: int | None = None, **more: Any) -> Runner:
        launcher = InlineLauncher(
            storage=self.storage, executor=self.executor, folder=self.folder / "scratch"
        )
        return Runner(jobs=self.jobs, launcher=launcher, owner="test", n_workers=n_workers, **more)

    def run(self, **more: Any) -> list[JobInfo]:
        """Run all ready jobs, in this process."""
        return [job.info() for job in self.runner(**more).run_ready()]

    def run_one(self) -> JobInfo:
        (job,) = self.run()
        return job

    def ref(self, pipeline: str, id_: str | None = None) -> JobRef:
        """A job of a pipeline, the newest by default."""
        return parse_job_ref(f"{pipeline}@{id_ or self.pfs.list_jobs(pipeline)[0].id}")

    def claim(self, pipeline: str) -> JobRef:
        job = self.pfs.claim_job(pipeline, owner="test")
        assert job is not None
        return self.ref(pipeline, job.id)

    def read(self, address: str) -> dict[str, str]:
        """All files of a commit, by path."""
        base = address.partition(":")[0]
        return {
            info.path: self.pfs.read_file(f"{base}:{info.path}").decode()
            for info in self.pfs.glob_files(base, "/**")
        }

    def tree(self, address: str) -> TreeRef:
        return read_commit(self.versions, parse_address(address))[1]

    def states(self, job: str) -> dict[str, str]:
        """State of each datum of a job, by the paths of its files."""
        return {
            " ".join(file.partition(":")[2] for file in datum.files): datum.state
            for datum in self.pfs.list_datums(job)
        }


def counts(job: JobInfo) -> str:
    """``processed+skipped+recovered+failed/total``."""
    return f"{job.processed}+{job.skipped}+{job.recovered}+{job.failed}/{job.total}"


def paths(infos: Iterable[Any]) -> list[str]:
    return [info.path for info in infos]

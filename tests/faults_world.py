"""A process that one mishap strikes, over a store and a catalog that outlive it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pfs_provider.clock import RandomIds, SystemClock
from pfs_provider.errors import PfsError
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef, parse_job_ref
from pfs_provider.pfs import Pfs
from pfs_provider.secrets import Secrets
from pfs_provider.settings import load_settings
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.testing.catalogs import FaultyCatalog, Mishap
from pfs_provider.testing.stores import FaultyStore, KilledError
from pfs_provider.versioning.versions import Versions
from pfs_provider.wiring import Engine
from tests.pfs_world import CODE, PythonExecutor, make_session
from tests.portraits import portrait_of

OWNER = "scheduler"


class QuickClock(SystemClock):
    """Waits a hundredth of what it is asked to."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds / 100)


@dataclass(slots=True)
class Place:
    """What is left when a process dies: objects and a database file."""

    folder: Path
    objects: dict[str, bytes] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'catalog.db'}"

    def copy_to(self, folder: Path) -> "Place":
        folder.mkdir(parents=True)
        for file in self.folder.glob("catalog.db*"):
            shutil.copyfile(file, folder / file.name)
        return Place(folder, dict(self.objects))


@dataclass(slots=True)
class Process:
    """One process's view of a place."""

    pfs: Pfs
    jobs: Jobs
    executor: PythonExecutor
    folder: Path

    def work(self, ref: JobRef) -> None:
        make_session(self.jobs.storage, ref, self.executor, self.folder / "scratch").run()


@contextmanager
def process_at(place: Place, mishap: Mishap | None = None) -> Iterator[Process]:
    """Start a process; leaving the block is its end, however it comes."""
    mishap = mishap or Mishap()
    clock, ids = QuickClock(), RandomIds()
    inner = MemoryStore()
    inner.objects = place.objects
    storage = Storage(FaultyStore(inner, mishap.plan), clock=clock)
    catalog = FaultyCatalog(place.url, clock=clock, ids=ids, mishap=mishap)
    versions = Versions(catalog=catalog, storage=storage, clock=clock, ids=ids)
    jobs = Jobs(versions=versions, lease_s=600)
    pfs = Pfs.__new__(Pfs)
    secrets = Secrets(folder=place.folder / "secrets")
    pfs._engine = Engine(
        settings=load_settings(home=place.folder), jobs=jobs, secrets=secrets, store_options={}
    )
    pfs._acts = pfs._change = None
    try:
        yield Process(pfs, jobs, PythonExecutor(dict(CODE)), place.folder)
    finally:
        storage.close()
        catalog.close()


Act = Callable[[Process], object]


def strike(place: Place, act: Act, mishap: Mishap) -> bool:
    """Do an act in a process that the mishap strikes; return whether the act came to its end."""
    with process_at(place, mishap) as process, suppress(KilledError, PfsError):
        act(process)
        return True
    return False


def portrait(place: Place) -> dict[str, Any]:
    """Look at a place with a fresh process; see `portrait_of`."""
    with process_at(place) as process:
        return portrait_of(process.pfs, process.jobs)


def job_of(process: Process, pipeline: str) -> JobRef:
    """The newest job of a pipeline."""
    return parse_job_ref(f"{pipeline}@{process.pfs.list_jobs(pipeline)[0].id}")

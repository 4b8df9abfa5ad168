"""The only place that builds and joins things: settings in, working objects out.

A worker knows the store only, so what needs the catalog is imported where it is built.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pfs_provider.clock import RandomIds, SystemClock
from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.settings import Settings, load_settings, store_options, worker_environment
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.stores.open import open_store

if TYPE_CHECKING:
    from pfs_provider.jobs.handle import Jobs
    from pfs_provider.jobs.launcher import Launcher
    from pfs_provider.versioning.versions import Versions

__all__ = ["Engine", "open_engine", "open_worker_storage"]

EXECUTORS = ("process",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Everything that the façade works with."""

    settings: Settings
    jobs: "Jobs"
    store_options: Mapping[str, str]

    @property
    def versions(self) -> "Versions":
        """The catalog and the storage."""
        return self.jobs.versions

    def launcher(self, *, executor: str, stay: bool = False, name: str = "worker") -> "Launcher":
        """Return what starts workers on this machine.

        Args:
            executor: How they run user code; ``process`` is what there is.
            stay: Let them outlive this process.
            name: What their names begin with. Workers of one name take over from each other at
                once, so two launchers that may run side by side need two names.

        Raises:
            RefusedError: ``settings-illegal``: no such executor.
        """
        if executor not in EXECUTORS:
            raise RefusedError(
                ErrorCode.SETTINGS_ILLEGAL,
                f"there is no executor {executor!r} here: use {' or '.join(EXECUTORS)}",
                executor=executor,
            )
        from pfs_provider.jobs.local_launcher import LocalLauncher  # noqa: PLC0415 # lazy
        # A worker knows no launcher.

        hidden = json.dumps([str(path) for path in self.settings.hidden_paths])
        scratch = str(self.settings.scratch_folder)
        lease = str(self.settings.lease_s)
        arguments = ["--executor", executor, "--name", name, "--hidden", hidden]
        arguments += ["--scratch", scratch, "--lease", lease]
        credentials = {name.upper(): value for name, value in self.store_options.items()}
        environment = worker_environment(self.settings) | credentials
        return LocalLauncher(environment, tuple(arguments), stay=stay)

    def close(self) -> None:
        """Let go of connections and threads."""
        self.versions.storage.close()
        self.versions.catalog.close()


def open_engine(settings: Settings, options: Mapping[str, str] | None = None) -> Engine:
    """Open the store and the catalog that the settings name.

    Args:
        settings: Where they are.
        options: More for the store's client, such as credentials; stronger than the environment.

    Raises:
        PfsError: One of them cannot be opened; nothing stays open.
    """
    # lazy: a worker has no catalog
    from pfs_provider.catalog.database import Catalog  # noqa: PLC0415
    from pfs_provider.jobs.handle import Jobs  # noqa: PLC0415
    from pfs_provider.versioning.versions import Versions  # noqa: PLC0415

    clock, ids = SystemClock(), RandomIds()
    named = dict(options or {})
    catalog = Catalog(settings.catalog_url, clock=clock, ids=ids)
    store = open_store(settings.store_url, options=store_options() | named)
    storage = Storage(store, clock=clock)
    try:
        catalog.open()
    except BaseException:
        storage.close()
        raise
    versions = Versions(catalog=catalog, storage=storage, clock=clock, ids=ids)
    return Engine(
        settings=settings,
        jobs=Jobs(versions=versions, lease_s=settings.lease_s),
        store_options=named,
    )


@contextmanager
def open_worker_storage() -> Iterator[Storage]:
    """Open the store of the environment, for a worker: no catalog is known here."""
    store = open_store(load_settings().store_url, options=store_options())
    storage = Storage(store, clock=SystemClock())
    try:
        yield storage
    finally:
        storage.close()

"""The only place that builds and joins things: settings in, working objects out.

A worker knows the store only, so what needs the catalog is imported where it is built.
"""

import json
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pfs_provider.clock import RandomIds, SystemClock
from pfs_provider.errors import ErrorCode, RefusedError, extra_missing
from pfs_provider.settings import (
    Settings,
    engine_environment,
    load_settings,
    pod_credentials,
    secret_variables,
    store_options,
    worker_environment,
)
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.stores.open import open_store

if TYPE_CHECKING:
    from pfs_provider.jobs.containers import ContainerSetup
    from pfs_provider.jobs.handle import Jobs
    from pfs_provider.jobs.launcher import Launcher
    from pfs_provider.jobs.local_launcher import LocalLauncher
    from pfs_provider.secrets import Secrets
    from pfs_provider.versioning.versions import Versions

__all__ = ["Engine", "open_engine", "open_worker_storage"]

EXECUTORS = ("process", "container")
LAUNCHERS = ("local", "kubernetes")
WORKER_PATIENCE_S = 16.0
"""A worker that cannot reach its store says so while somebody looks; it will be started again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Everything that the façade works with."""

    settings: Settings
    jobs: "Jobs"
    secrets: "Secrets"
    store_options: Mapping[str, str]

    @property
    def versions(self) -> "Versions":
        """The catalog and the storage."""
        return self.jobs.versions

    def launcher(
        self,
        launcher: str = "local",
        *,
        executor: str,
        stay: bool = False,
        name: str = "worker",
        cluster: Mapping[str, Any] | None = None,
    ) -> "Launcher":
        """Return what starts workers.

        Args:
            launcher: ``local`` for this machine, ``kubernetes`` for pods.
            executor: How workers on this machine run user code: ``process``, or ``container``
                for docker or podman.
            stay: Let them outlive this process.
            name: What the names of workers on this machine begin with. Workers of one name take
                over from each other at once, so two launchers that may run side by side need two
                names.
            cluster: More for Kubernetes, stronger than the settings.

        Raises:
            RefusedError: ``settings-illegal``: no such launcher or executor, or a setting is wrong.
            UnavailableError: ``sandbox-unavailable``: no docker or podman answers.
        """
        if launcher not in LAUNCHERS:
            raise RefusedError(
                ErrorCode.SETTINGS_ILLEGAL,
                f"there is no launcher {launcher!r}: use {' or '.join(LAUNCHERS)}",
                launcher=launcher,
            )
        if launcher == "kubernetes":
            return self._kubernetes(cluster or {})
        if executor not in EXECUTORS:
            raise RefusedError(
                ErrorCode.SETTINGS_ILLEGAL,
                f"there is no executor {executor!r} here: use {' or '.join(EXECUTORS)}",
                executor=executor,
            )
        return self.local_launcher(executor, stay=stay, name=name)

    def local_launcher(
        self, executor: str, *, stay: bool = False, name: str = "worker"
    ) -> "LocalLauncher":
        """Return what starts workers on this machine. Arguments as for ``launcher``."""
        from pfs_provider.jobs.local_launcher import LocalLauncher  # noqa: PLC0415 # lazy

        # A worker knows no launcher.

        hidden = json.dumps([str(path) for path in self.settings.hidden_paths])
        scratch = str(self.settings.scratch_folder)
        lease = str(self.settings.lease_s)
        arguments = ["--executor", executor, "--name", name, "--hidden", hidden]
        arguments += ["--scratch", scratch, "--lease", lease]
        credentials = {name.upper(): value for name, value in self.store_options.items()}
        environment = worker_environment(self.settings) | credentials
        client = {
            "PFS_CATALOG": self.settings.catalog_url,
            "PFS_HOME": str(self.settings.home_folder),
        }
        setup = None
        if executor == "container":
            environment |= engine_environment()
            setup = self._container_setup()
        return LocalLauncher(
            environment,
            tuple(arguments),
            stay=stay,
            setup=setup,
            client=client,
            secrets=self.secrets,
        )

    def _container_setup(self) -> "ContainerSetup":
        # lazy: a worker starts no containers of others
        from pfs_provider.jobs.container_engine import find_engine  # noqa: PLC0415
        from pfs_provider.jobs.containers import ContainerSetup  # noqa: PLC0415

        settings = self.settings
        try:
            options = tuple(shlex.split(settings.container_options))
        except ValueError as error:
            raise RefusedError(
                ErrorCode.SETTINGS_ILLEGAL,
                f"setting 'container_options' is no command line: {error}",
                setting="container_options",
            ) from error
        return ContainerSetup(
            engine=find_engine(engine_environment(), settings.container_engine),
            image=settings.container_image or "",
            pull=settings.container_pull,
            options=options,
        )

    def _kubernetes(self, cluster: Mapping[str, Any]) -> "Launcher":
        # lazy: an extra, and a second to import
        from pfs_provider.k8s.cluster import make_cluster  # noqa: PLC0415

        made = make_cluster(self.settings.cluster | dict(cluster))
        try:
            from pfs_provider.k8s.client import open_client  # noqa: PLC0415
            from pfs_provider.k8s.launcher import KubernetesLauncher, pod_store_url  # noqa: PLC0415
        except ImportError as error:
            raise extra_missing("the kubernetes package is not installed", "kubernetes") from error
        clock = SystemClock()
        return KubernetesLauncher(
            cluster=made,
            client=open_client(made, clock),
            store=self.jobs.objects,
            store_url=pod_store_url(made, self.settings.store_url),
            credentials=pod_credentials(self.store_options),
            lease_s=self.settings.lease_s,
            clock=clock,
            ids=RandomIds(),
        )

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
    from pfs_provider.egress.sender import OutputSender  # noqa: PLC0415
    from pfs_provider.jobs.handle import Jobs  # noqa: PLC0415
    from pfs_provider.jobs.log_rules import LogRules  # noqa: PLC0415
    from pfs_provider.secrets import Secrets  # noqa: PLC0415
    from pfs_provider.storage.stat_cache import StatCache  # noqa: PLC0415
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
    stats = StatCache(settings.home_folder / "cache", clock) if settings.stat_cache else None
    versions = Versions(catalog=catalog, storage=storage, clock=clock, ids=ids, stats=stats)
    secrets = Secrets(folder=settings.secrets_folder, variables=secret_variables())
    sender = OutputSender(
        store_url=settings.store_url,
        options=store_options() | named,
        find_secret=secrets.find_text,
        secret_places=secrets.describe_place,
    )
    return Engine(
        settings=settings,
        secrets=secrets,
        jobs=Jobs(
            versions=versions,
            lease_s=settings.lease_s,
            log_rules=LogRules(max_bytes=settings.max_log_bytes, masked=settings.masked_variables),
            sender=sender,
            egress_patience_s=settings.egress_patience_s,
            program_start_s=settings.program_start_s,
        ),
        store_options=named,
    )


@contextmanager
def open_worker_storage() -> Iterator[Storage]:
    """Open the store of the environment, for a worker: no catalog is known here."""
    url, options = load_settings().store_url, store_options()
    store = open_store(url, options=options, patience_s=WORKER_PATIENCE_S)
    storage = Storage(store, clock=SystemClock())
    try:
        yield storage
    finally:
        storage.close()

"""The Airflow connection ``pfs`` turned into a ``Pfs``.

Invariants: never Airflow's own database; a missing ``pfs_default`` means the settings of the
machine (``PFS_HOME``, ``PFS_CATALOG``, ``PFS_STORE``), any other missing connection is an error.
Must not know: what is done with the ``Pfs``.
"""

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.lineage import NoOpCollector, get_hook_lineage_collector

from pfs_provider.errors import PfsError

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from pfs_provider.pfs import Pfs

__all__ = ["DEFAULT_CONNECTION", "PfsHook", "connection_settings", "open_pfs"]

DEFAULT_CONNECTION = "pfs_default"

STORE_KEYS = {"s3_access_key": "aws_access_key_id", "s3_secret_key": "aws_secret_access_key"}
"""Fields of the connection, and what obstore calls them."""


class PfsHook(BaseHook):
    """Gives tasks and triggers a ``Pfs``.

    Args:
        pfs_conn_id: The Airflow connection of type ``pfs``.

    The ``Pfs`` is a context manager: ``with PfsHook().get_conn() as pfs: ...``.
    """

    conn_name_attr = "pfs_conn_id"
    default_conn_name = DEFAULT_CONNECTION
    conn_type = "pfs"
    hook_name = "PFS"

    def __init__(self, pfs_conn_id: str = DEFAULT_CONNECTION, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pfs_conn_id = pfs_conn_id

    def get_conn(self, *, records: bool = True) -> "Pfs":
        """Return a ``Pfs`` of this connection; the caller closes it.

        Args:
            records: Where somebody collects lineage, as OpenLineage does, tell which branches are
                read and written. Not needed of operators that tell it themselves.

        Raises:
            AirflowNotFoundException: The connection is missing and is not ``pfs_default``.
            PfsError: As ``Pfs()``: settings, catalog or store are wrong or do not answer.
        """
        collector = get_hook_lineage_collector() if records else NoOpCollector()
        if isinstance(collector, NoOpCollector):
            return open_pfs(self.find_settings())
        # lazy: as open_pfs
        from pfs_provider.airflow.recording import RecordingPfs  # noqa: PLC0415

        return RecordingPfs(self, collector, **self.find_settings())

    def find_settings(self) -> dict[str, Any]:
        """Return the arguments for ``Pfs``; empty where the machine's own settings count."""
        try:
            return connection_settings(self.get_connection(self.pfs_conn_id))
        except AirflowNotFoundException:
            return self._settings_without_connection()

    async def afind_settings(self) -> dict[str, Any]:
        """Return the same inside an event loop, where the blocking way could deadlock."""
        try:
            return connection_settings(await self.aget_connection(self.pfs_conn_id))
        except AirflowNotFoundException:
            return self._settings_without_connection()

    def test_connection(self) -> tuple[bool, str]:
        """Return whether catalog and store answer, and what to say about it."""
        try:
            with self.get_conn() as pfs:
                n_repos = sum(1 for _ in pfs.list_repos())
        except PfsError as error:
            return False, f"{error} [{error.code}]"
        return True, f"Catalog and store answer; {n_repos} repos"

    def _settings_without_connection(self) -> dict[str, Any]:
        if self.pfs_conn_id != DEFAULT_CONNECTION:
            raise AirflowNotFoundException(
                f"The connection {self.pfs_conn_id!r} is not defined: add one of type 'pfs', "
                f"or leave pfs_conn_id out to use {DEFAULT_CONNECTION!r}, or else the settings "
                "PFS_HOME, PFS_CATALOG and PFS_STORE"
            )
        return {}


def open_pfs(settings: dict[str, Any]) -> "Pfs":
    """Return a ``Pfs`` of these settings; the caller closes it. Raises PfsError as ``Pfs()``."""
    # lazy: DAG files import this module each time they are parsed, and never open anything
    from pfs_provider.pfs import Pfs  # noqa: PLC0415

    return Pfs(**settings)


def connection_settings(connection: "Connection") -> dict[str, Any]:
    """Return the arguments for ``Pfs`` that a connection holds; empty fields are left out."""
    extra = connection.extra_dejson
    found: dict[str, Any] = {
        name: str(extra[name]) for name in ("home", "catalog", "store") if extra.get(name)
    }
    password = extra.get("catalog_password")
    if password and "catalog" in found:
        found["catalog"] = _put_password(found["catalog"], str(password))
    options = {name: str(extra[field]) for field, name in STORE_KEYS.items() if extra.get(field)}
    return found | ({"store_options": options} if options else {})


def _put_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at or ":" in user:
        return url  # no user to authenticate, or the URL has a password of its own
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))

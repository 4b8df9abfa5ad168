"""Sends an output to where its spec says: the object store of a URL, or the tables of a database.

Invariant: a password comes from the secret that the spec names and gets into no message.
Must not know: jobs, the catalog, settings.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from pfs_provider.egress.objects import copy_files
from pfs_provider.egress.tables import load_tables
from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.spec.model import Egress, SecretRef
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.values import TreeRef

__all__ = ["OutputSender"]

FindSecret = Callable[[str, str], str | None]
"""From the name and the key of a secret to its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSender:
    """The Sender of jobs/sender.py.

    Args:
        store_url: The engine's own store: a bucket of the same kind is taken to be beside it.
        options: Credentials of object stores, as the engine's own store takes them.
        find_secret: Where passwords are.
        secret_places: Where a secret can be put, for messages: takes its name and key.
    """

    store_url: str
    options: Mapping[str, str] = field(repr=False)
    find_secret: FindSecret = field(repr=False)
    secret_places: Callable[[str, str], str]

    def send(
        self, egress: Egress, storage: Storage, tree: TreeRef, check: Callable[[], None]
    ) -> None:
        """Send all files of a tree, once; repeated it leaves what one call leaves."""
        sql = egress.sql_database
        if sql is None:
            if _place(egress.url).startswith(_place(self.store_url)):
                raise RefusedError(
                    ErrorCode.EGRESS_ILLEGAL,
                    f"{egress.url.partition('?')[0]} lies in the engine's own store: name another",
                )
            url = beside(egress.url, self.store_url)
            copy_files(storage, tree, url, options=self.options, check=check)
            return
        password = None if sql.secret is None else self._password(sql.secret)
        load_tables(storage, tree, sql.url, password=password, form=sql.file_format, check=check)

    def _password(self, secret: SecretRef) -> str:
        found = self.find_secret(secret.name, secret.key)
        if found is None:
            raise RefusedError(
                ErrorCode.EGRESS_ILLEGAL,
                f"the secret {secret.name!r} with the key {secret.key!r} is not here: "
                f"{self.secret_places(secret.name, secret.key)}",
                secret=secret.name,
                key=secret.key,
            )
        return found


def beside(url: str, store_url: str) -> str:
    """Return the URL with the server's address of the store, if it names none of its own."""
    scheme, _, query = store_url.partition("://")[0], *store_url.partition("?")[1:]
    same_kind = url.startswith(f"{scheme}://") and scheme != "file"
    return f"{url}?{query}" if same_kind and query and "?" not in url else url


def _place(url: str) -> str:
    """Return where a store is, the same for all ways to write it, with a slash at its end."""
    return unquote(url.partition("?")[0]).removeprefix("file://").rstrip("/") + "/"

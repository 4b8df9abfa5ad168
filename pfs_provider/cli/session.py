"""How commands get at the façade, and which named transaction this user is in.

The façade is imported when a command runs, never for ``--help``. The transaction that
``pfs start transaction`` began is remembered in the home folder, one per catalog, until it is
finished, deleted or left.
"""

import hashlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pfs_provider.errors import ErrorCode, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pfs_provider.pfs import Pfs

__all__ = ["enter_transaction", "find_transaction", "leave_transaction", "open_acts", "open_pfs"]


@contextmanager
def open_pfs() -> "Iterator[Pfs]":
    """Open the catalog and store that the settings name."""
    from pfs_provider.pfs import Pfs  # noqa: PLC0415 # lazy: --help needs no engine

    with Pfs() as pfs:
        yield pfs


@contextmanager
def open_acts() -> "Iterator[Pfs]":
    """Open what acts are called on: the façade, or the transaction that this user is in.

    Raises:
        NotFoundError: ``transaction-not-found``: it ended elsewhere. It is left now.
    """
    current = find_transaction()
    with open_pfs() as pfs:
        if current is None:
            yield pfs
            return
        try:
            recorder = pfs.record(current)
        except NotFoundError as error:
            leave_transaction()
            raise NotFoundError(
                ErrorCode.TRANSACTION_NOT_FOUND,
                f"transaction {current} was finished or deleted elsewhere; "
                "you are out of it now: repeat the command",
                id=current,
            ) from error
        yield cast("Pfs", recorder)


def enter_transaction(transaction: str) -> None:
    """Make the next commands part of a transaction."""
    place = _place()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(transaction + "\n", encoding="ascii")


def leave_transaction() -> None:
    """Make the next commands stand alone. Idempotent."""
    _place().unlink(missing_ok=True)


def find_transaction() -> str | None:
    """Return the id of the transaction that this user is in."""
    try:
        return _place().read_text(encoding="ascii").strip() or None
    except FileNotFoundError:
        return None


def _place() -> Path:
    from pfs_provider.settings import load_settings  # noqa: PLC0415 # lazy: pydantic is not for --help

    settings = load_settings()
    catalog = hashlib.blake2b(settings.catalog_url.encode(), digest_size=8).hexdigest()
    return settings.home_folder / f"transaction-{catalog}"

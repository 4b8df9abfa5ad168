"""From a URL to an engine that behaves alike on SQLite and PostgreSQL.

Invariants: a password never gets into a message. On SQLite a transaction that writes begins with
``BEGIN IMMEDIATE``, so that it never fails half-way for a lock; on PostgreSQL one advisory lock,
taken first, does the same. Foreign keys are on. Must not know: tables, verbs.

Source: docs/design/0003-catalog.md (why writers are serialised).
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Dialect, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from pfs_provider.clock import Clock
from pfs_provider.errors import (
    ErrorCode,
    PfsError,
    RefusedError,
    UnavailableError,
    UnknownOutcomeError,
)

__all__ = [
    "IDLE_S",
    "let_go",
    "lock_for_writing",
    "make_engine",
    "parse_url",
    "shown",
    "translated",
]

BUSY_TIMEOUT_S: Final = 60.0
"""How long a writer waits for the others. A transaction takes milliseconds; 100 writers fit."""

IDLE_S: Final = 1.0
"""A connection that nobody used for longer is tried before it is used: the server may have been
restarted. Work that follows at once does not pay the round trip."""

_IDLE_SINCE: Final = "pfs_idle_since"

_WRITERS_LOCK: Final = 0x504653
"""First half of the advisory lock's number ("PFS"); the second half is the schema's name."""

_WRITES: Final = "pfs_writes"

_NO_CONNECTION_LEFT: Final = re.compile(
    "too many clients|too many connections|remaining connection slots"
)
"""Of the server, the database or the role; the driver gives no code while it connects."""


def parse_url(text_url: str) -> URL:
    """Return the URL, with psycopg 3 as PostgreSQL's driver where none is named.

    Raises:
        RefusedError: ``catalog-url-illegal``: not a URL, or another database.
    """
    try:
        url = make_url(text_url)
    except (ArgumentError, ValueError):
        raise _illegal("it is not a database URL") from None
    if url.drivername in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername in {"postgresql+psycopg", "sqlite", "sqlite+pysqlite"}:
        return url
    raise _illegal(f"{url.drivername!r} is not supported")


def _illegal(why: str) -> RefusedError:
    # The text itself is not repeated: it may hold a password in a place that no parser knows.
    return RefusedError(
        ErrorCode.CATALOG_URL_ILLEGAL,
        f"the catalog's URL is illegal: {why}; write sqlite:////absolute/path/catalog.db "
        "or postgresql://user@host/database",
    )


def shown(url: URL) -> str:
    """Return the URL for people: without its password."""
    return url.render_as_string(hide_password=True)


def make_engine(url: URL, *, clock: Clock) -> Engine:
    """Return an engine; nothing is connected yet, but SQLite's folder is made.

    Raises:
        UnavailableError: ``catalog-unavailable``: the folder cannot be made, or the driver is
            missing.
    """
    try:
        if url.get_backend_name() == "sqlite":
            return _make_sqlite(url, clock=clock)
        return _make_postgres(url, clock=clock)
    except (NoSuchModuleError, ImportError) as error:
        raise UnavailableError(
            ErrorCode.EXTRA_MISSING,
            f"the driver for {shown(url)} is missing ({error}): "
            "install airflow-provider-pfs[postgres]",
        ) from error


def _make_postgres(url: URL, *, clock: Clock) -> Engine:
    engine = create_engine(
        url, pool_size=4, max_overflow=60, pool_timeout=BUSY_TIMEOUT_S, pool_pre_ping=False
    )

    @event.listens_for(engine, "do_connect")
    def _connect(
        dialect: Dialect, _record: object, arguments: list[Any], options: dict[str, Any]
    ) -> DBAPIConnection:
        # A server that has no connection left will have one soon: a transaction is short.
        deadline = clock.monotonic() + BUSY_TIMEOUT_S
        while True:
            try:
                return dialect.connect(*arguments, **options)
            except dialect.loaded_dbapi.OperationalError as error:
                if not _NO_CONNECTION_LEFT.search(str(error)) or clock.monotonic() > deadline:
                    raise
                clock.sleep(0.1)

    _try_idle_connections(engine, clock=clock)
    return engine


def let_go(engine: Engine) -> None:
    """Close all connections; one that a thread is using still, as soon as it gives it back."""

    @event.listens_for(engine.pool, "checkin")
    def _checkin(connection: DBAPIConnection | None, _record: ConnectionPoolEntry) -> None:
        if connection is not None:
            connection.close()

    engine.dispose()


def _try_idle_connections(engine: Engine, *, clock: Clock) -> None:
    """Have the pool replace a connection that was idle, and is found to be dead."""

    @event.listens_for(engine, "checkin")
    def _checkin(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info[_IDLE_SINCE] = clock.monotonic()

    @event.listens_for(engine, "checkout")
    def _checkout(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
        if clock.monotonic() - record.info.get(_IDLE_SINCE, clock.monotonic()) <= IDLE_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError(f"{error}") from error


def _make_sqlite(url: URL, *, clock: Clock) -> Engine:
    if url.database in {None, "", ":memory:"}:
        raise _illegal("SQLite in memory cannot be shared between connections, name a file")
    folder = Path(str(url.database)).expanduser().absolute().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(
            ErrorCode.CATALOG_UNAVAILABLE,
            f"the catalog's folder {folder} cannot be made ({error.strerror}): "
            "name another with PFS_CATALOG or PFS_HOME",
            path=str(folder),
        ) from error
    engine = create_engine(
        url,
        pool_size=4,
        max_overflow=60,
        pool_timeout=BUSY_TIMEOUT_S,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")  # a finished commit survives a power cut
        connection.execute("PRAGMA cache_size = -16000")  # KiB
        _switch_to_wal(connection, clock=clock)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _switch_to_wal(connection: sqlite3.Connection, *, clock: Clock) -> None:
    # The switch needs the file alone and does not wait for others, whatever the busy timeout.
    deadline = clock.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            if mode != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or clock.monotonic() > deadline:
                raise
            clock.sleep(0.02)
        else:
            return


@contextmanager
def lock_for_writing(engine: Engine) -> Iterator[Connection]:
    """Yield a connection inside a transaction that no other writer runs beside.

    Committed when the block ends, rolled back when it raises.

    Raises:
        UnknownOutcomeError: ``write-unknown``: the connection was lost while it committed.
    """
    with (
        engine.connect().execution_options(**{_WRITES: True}) as connection,
        connection.begin() as transaction,
    ):
        if connection.dialect.name == "postgresql":
            connection.execute(
                text("SELECT pg_advisory_xact_lock(:lock, hashtext(current_schema()))"),
                {"lock": _WRITERS_LOCK},
            )
        yield connection
        try:
            transaction.commit()
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            raise UnknownOutcomeError(
                ErrorCode.WRITE_UNKNOWN,
                f"the catalog at {shown(engine.url)} was lost while it committed: look whether "
                "it was done before you repeat it",
            ) from error


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn the driver's errors into ours: a database that does not answer, or refuses to write."""
    try:
        yield
    except PfsError:
        raise
    except DBAPIError as error:
        raise UnavailableError(
            ErrorCode.CATALOG_UNAVAILABLE,
            f"the catalog at {shown(url)} does not work: {_first_line(error.orig)}; "
            "check that it runs, that it may be written to, and PFS_CATALOG",
        ) from error


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__

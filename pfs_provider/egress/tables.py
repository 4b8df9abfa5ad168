"""Loads files into the tables of a database: ``/TABLE/…`` are the rows of TABLE.

Invariants: all tables of an output are emptied and written again in one transaction, so that
others see the old rows or the new ones, and a repeat doubles nothing; a table that the output has
no folder for is left alone. No table is made. A password gets into no message.
Must not know: jobs, the engine's own catalog.

Source: semantics of Pachyderm's ``sql_database`` egress.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Engine,
    String,
    column,
    create_engine,
    delete,
    event,
    insert,
    inspect,
    table,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, ReflectedColumn
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.expression import TableClause

from pfs_provider.egress.rows import Value, read_rows
from pfs_provider.errors import ErrorCode, RefusedError, UnavailableError
from pfs_provider.spec.model import SqlFileFormat
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.listing import iter_entries
from pfs_provider.storage.reading import read_entry
from pfs_provider.storage.values import Entry, TreeRef

__all__ = ["load_tables"]

_BATCH: Final = 1000
"""Rows sent at once."""
_WAIT_S: Final = 30
"""Seconds for a connection or a lock; then it counts as unavailable, and is tried again."""

File = tuple[str, Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """A table. ``empty`` has what no value means, for each column."""

    clause: TableClause
    columns: Sequence[str]
    empty: Sequence[Value]


def load_tables(
    storage: Storage,
    tree: TreeRef,
    url: str,
    *,
    password: str | None,
    form: SqlFileFormat,
    check: Callable[[], None],
) -> None:
    """Replace the rows of each table that the tree has a folder for by those of its files.

    Args:
        storage: Where the tree lies.
        tree: The files.
        url: The database, as SQLAlchemy writes it.
        password: Stronger than one in the URL; None where there is none.
        form: What the files are.
        check: Called between rows and before they count; what it raises undoes all.

    Raises:
        RefusedError: ``egress-illegal``: the URL, a path, a row or a table does not fit. Nothing
            was changed.
        UnavailableError: ``egress-unavailable``: the database does not answer; nothing was changed,
            or all if it was lost at the end. ``extra-missing``: its driver is not installed.
    """
    engine = _make_engine(_parse_url(url, password))
    try:
        with _translated(engine.url), engine.begin() as connection:
            for name, files in groupby(iter_entries(storage, tree), _table_name):
                target = _find_table(connection, name, form)
                _empty(connection, target)
                for path, entry in files:
                    rows = read_rows(read_entry(storage, entry), form, target.columns, path)
                    while batch := list(islice(rows, _BATCH)):
                        check()
                        with _named(path):
                            _insert(connection, target, batch)
            check()
    finally:
        engine.dispose()


def _table_name(file: File) -> str:
    _, name, rest = f"{file[0]}/".split("/", 2)
    if not rest:
        raise _illegal(
            f"{file[0]} belongs to no table: write files for the table NAME to /pfs/out/NAME/"
        )
    return name


def _empty(connection: Connection, target: _Target) -> None:
    if connection.dialect.name == "postgresql":
        # Others may read on; a second load waits, or it would not see the rows of the first.
        quote = connection.dialect.identifier_preparer.quote_identifier
        parts = (target.clause.schema, target.clause.name)
        name = ".".join(quote(part) for part in parts if part)
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_WAIT_S}s'")
        connection.exec_driver_sql(f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE")
    connection.execute(delete(target.clause))


def _insert(connection: Connection, target: _Target, rows: Iterable[Sequence[Value]]) -> None:
    values = [_values(connection, target, row) for row in rows]
    connection.execute(insert(target.clause), values)


def _values(connection: Connection, target: _Target, row: Sequence[Value]) -> dict[str, Any]:
    plain = _as_text if connection.dialect.name == "postgresql" else _as_number
    return {
        name: plain(empty if value is None else value)
        for name, value, empty in zip(target.columns, row, target.empty, strict=True)
    }


def _as_text(value: Value) -> str | None:
    """Return what PostgreSQL reads in the column's own way, whatever its type."""
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _as_number(value: Value) -> str | float | bool | None:
    return float(value) if isinstance(value, Decimal) else value


def _find_table(connection: Connection, name: str, form: SqlFileFormat) -> _Target:
    seen = inspect(connection)
    schema, bare = None, name
    if not seen.has_table(name) and "." in name:
        schema, _, bare = name.partition(".")
    if not seen.has_table(bare, schema=schema):
        raise _illegal(
            f"the database has no table {name!r}, which the output has a folder for: create it"
        )
    found = {
        facts["name"]: facts
        for facts in seen.get_columns(bare, schema=schema)
        if "computed" not in facts
    }
    columns = form.columns or tuple(found)
    for one in columns:
        if one not in found:
            raise _illegal(f"the table {name!r} has no column {one!r}: it has {', '.join(found)}")
    return _Target(
        clause=table(bare, *(column(one) for one in columns), schema=schema),
        columns=columns,
        empty=[
            "" if form.type == "CSV" and _is_text_always(found[one]) else None for one in columns
        ],
    )


def _is_text_always(facts: ReflectedColumn) -> bool:
    return isinstance(facts["type"], String) and not facts["nullable"]


def _parse_url(given: str, password: str | None) -> URL:
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        # The text itself is not repeated: it may hold a password in a place that no parser knows.
        raise _illegal("the URL is none of a database") from None
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite":
        if not url.database or not Path(url.database).is_file():
            raise _illegal(f"there is no database file {url.database or ''!r}: create it")
        return url
    return url if password is None else url.set(password=password)


def _make_engine(url: URL) -> Engine:
    options: dict[str, Any] = {}
    match url.get_backend_name():
        case "sqlite":
            options["connect_args"] = {"timeout": _WAIT_S}
        case "postgresql":
            options["connect_args"] = {"connect_timeout": _WAIT_S}
            options["isolation_level"] = "READ COMMITTED"
    try:
        engine = create_engine(url, poolclass=NullPool, **options)
    except (NoSuchModuleError, ImportError) as error:
        raise UnavailableError(
            ErrorCode.EXTRA_MISSING,
            f"the driver for {url.drivername} is missing ({error}): install it beside this package",
        ) from error
    if url.get_backend_name() == "sqlite":
        _begin_at_once(engine)
    return engine


def _begin_at_once(engine: Engine) -> None:
    """Let a transaction take SQLite's lock first: one that reads first may find it gone later."""

    @event.listens_for(engine, "connect")
    def _connect(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Name the file whose rows a database refuses."""
    try:
        yield
    except (OperationalError, InterfaceError):
        raise
    except DBAPIError as error:
        raise _illegal(f"{path} cannot be loaded: {_first_line(error)}") from error


@contextmanager
def _translated(url: URL) -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        shown = url.render_as_string(hide_password=True)
        raise UnavailableError(
            ErrorCode.EGRESS_UNAVAILABLE, f"{shown} does not work: {_first_line(error)}"
        ) from error
    except DBAPIError as error:
        raise _illegal(_first_line(error)) from error


def _first_line(error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__


def _illegal(why: str) -> RefusedError:
    return RefusedError(ErrorCode.EGRESS_ILLEGAL, why)

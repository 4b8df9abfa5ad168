"""The catalog itself: opens a database and hands out transactions.

Invariants: writers are serialised, so events are numbered in commit order; a read sees one state
of the database from its beginning to its end; leaving ``write`` opens everything downstream before
it commits, or nothing happens at all. Must not know: object stores.
"""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from sqlalchemy import Connection, Engine

from pfs_provider.catalog.engine import (
    let_go,
    lock_for_writing,
    make_engine,
    parse_url,
    shown,
    translated,
)
from pfs_provider.catalog.propagation import propagate
from pfs_provider.catalog.schema import ensure_schema
from pfs_provider.catalog.transaction import Tx
from pfs_provider.clock import Clock, IdSource
from pfs_provider.refs.ids import CommitId

__all__ = ["Catalog"]


class Catalog:
    """A database of repos, branches, commits, pipelines, jobs and events.

    Nothing is opened before the first transaction; that one brings the schema up to date.
    Safe to share between threads; not across a fork.

    Args:
        url: SQLAlchemy URL of SQLite or PostgreSQL.
        clock: Where times come from.
        ids: Where ids come from, for acts that bring none.

    Raises:
        RefusedError: ``catalog-url-illegal``.
    """

    def __init__(self, url: str, *, clock: Clock, ids: IdSource) -> None:
        self._url = parse_url(url)
        self._clock = clock
        self._ids = ids
        self._engine: Engine | None = None
        self._let_go: Callable[[], object] | None = None
        self._opening = Lock()

    @property
    def location(self) -> str:
        """The URL for people, without a password."""
        return shown(self._url)

    def close(self) -> None:
        """Close all connections. Idempotent; a later transaction opens them anew."""
        with self._opening:
            if self._let_go is not None:
                self._let_go()
                self._engine = self._let_go = None

    def open(self) -> None:
        """Connect and migrate now instead of at the first transaction. Idempotent.

        Raises:
            UnavailableError: ``catalog-unavailable`` or ``catalog-too-new``.
        """
        with translated(self._url):
            self._opened()

    @contextmanager
    def write(self, *, change: CommitId | None = None) -> Iterator[Tx]:
        """Give a transaction; commit it, with all that it causes, when the block ends.

        Args:
            change: The one id of all acts in the block (a named transaction). None: every act has
                the id that it brings, or a new one.

        Raises:
            UnavailableError: ``catalog-unavailable``: nothing was written.
            UnknownOutcomeError: ``write-unknown``: the connection was lost while it committed.
        """
        with translated(self._url), lock_for_writing(self._opened()) as connection:
            tx = self._transaction(connection, change=change)
            yield tx
            propagate(tx)
            tx.flush_events()

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Give a transaction that sees one state of the database; nothing in it is kept.

        Raises:
            UnavailableError: ``catalog-unavailable``.
        """
        with translated(self._url):
            options = (
                {"isolation_level": "REPEATABLE READ"}
                if self._url.get_backend_name() == "postgresql"
                else {}
            )
            with self._opened().connect().execution_options(**options) as connection:
                yield self._transaction(connection, change=None)

    def _transaction(self, connection: Connection, *, change: CommitId | None) -> Tx:
        return Tx(connection, now=self._clock.now(), ids=self._ids, change=change)

    def _opened(self) -> Engine:
        with self._opening:
            if self._engine is None:
                engine = make_engine(self._url, clock=self._clock)
                try:
                    ensure_schema(engine)
                except BaseException:
                    engine.dispose()
                    raise
                self._engine = engine
                # Whoever asks once more after `close`, from a thread of its own, is not waited for.
                finalizer = weakref.finalize(self, let_go, engine)
                finalizer.atexit = False
                self._let_go = finalizer
            return self._engine

"""What all verbs share: the engine, and the transaction that they may be part of.

A transaction gathers acts. Each is tried at once against what the catalog would be then, and
undone; when the block ends, all run again in one database transaction under one change id, or none
does. Files are uploaded as they are put, outside of it.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pfs_provider import wiring
from pfs_provider.catalog.transaction import Tx
from pfs_provider.clock import RandomIds
from pfs_provider.errors import ConflictError, ErrorCode, PfsError, RefusedError
from pfs_provider.jobs.ending import send_home
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.refs.ids import CommitId
from pfs_provider.settings import load_settings
from pfs_provider.versioning.versions import Versions

__all__ = ["Session", "check_workers"]

T = TypeVar("T")
Act = Callable[[Tx], object]


class _UndoError(Exception):
    """Leaves a database transaction without a trace."""


class Session:
    """An open catalog and store.

    Args:
        home: Folder that holds both, the embedded default.
        catalog: SQLAlchemy URL of the catalog.
        store: URL of the object store.
        store_options: More for the store's client, such as credentials.

    Raises:
        PfsError: A setting is wrong, or the catalog or the store cannot be opened.
    """

    def __init__(
        self,
        *,
        home: str | Path | None = None,
        catalog: str | None = None,
        store: str | None = None,
        store_options: Mapping[str, str] | None = None,
    ) -> None:
        settings = load_settings(home=home, catalog=catalog, store=store)
        self._engine = wiring.open_engine(settings, store_options)
        self._acts: list[Act] | None = None
        self._change: CommitId | None = None

    @property
    def _versions(self) -> Versions:
        return self._engine.versions

    @property
    def _jobs(self) -> Jobs:
        return self._engine.jobs

    def _new_id(self) -> CommitId:
        """Return the id of the change that the next act makes."""
        return self._change or CommitId(RandomIds().new_id())

    def _act(self, act: Callable[[Tx], T]) -> T:
        """Do one act now, or as part of the transaction that is open."""
        if self._acts is None:
            with self._versions.catalog.write() as tx:
                value = act(tx)
            self._send_home(tx)
            return value
        self._acts.append(act)
        try:
            return self._try_acts()[-1]  # type: ignore[return-value] # the last act's own value
        except BaseException:
            self._acts.pop()
            raise

    def _begin(self, change: CommitId | None = None) -> CommitId:
        if self._acts is not None:
            raise ConflictError(
                ErrorCode.IN_USE, "a transaction is open already: transactions do not nest"
            )
        self._acts, self._change = [], change or CommitId(RandomIds().new_id())
        return self._change

    def _end(self, *, keep: bool) -> None:
        acts, change = self._acts or [], self._change
        self._acts = self._change = None
        if keep and acts:
            with self._versions.catalog.write(change=change) as tx:
                for act in acts:
                    act(tx)
            self._send_home(tx)

    def _send_home(self, tx: Tx) -> None:
        """Tell the workers of the jobs that an act killed, so that none works on for nobody."""
        for job in tx.killed:
            # Else they hear of it from their scheduler: the act itself is done.
            with suppress(PfsError):
                send_home(self._jobs, JobRef(job.pipeline, job.id), job.reason)

    def _try_acts(self) -> list[object]:
        values: list[object] = []
        try:
            with self._versions.catalog.write(change=self._change) as tx:
                values.extend(act(tx) for act in self._acts or [])
                raise _UndoError
        except _UndoError:
            return values


def check_workers(workers: int | None) -> None:
    """Refuse a number of workers that cannot work.

    Raises:
        RefusedError: ``settings-illegal``.
    """
    if workers is not None and workers < 1:
        raise RefusedError(
            ErrorCode.SETTINGS_ILLEGAL,
            f"workers: {workers} of them cannot work: 1 or more, or leave it to the spec",
            setting="workers",
        )

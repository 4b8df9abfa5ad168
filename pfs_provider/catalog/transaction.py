"""The handle that every verb takes: one database transaction and what it has caused so far.

Invariants: one time for the whole transaction, taken after the writers' lock, so that times never
go back along the events; numbers are handed out here, in memory, and written with the events at the
end, which is safe because writers are serialised. Must not know: what the rows mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Executable, Row, func, insert, select

from pfs_provider.catalog import tables
from pfs_provider.clock import IdSource
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey, PipelineKey, RepoKey

__all__ = ["Killed", "Moved", "Stale", "Tx"]


@dataclass(frozen=True, slots=True)
class Moved:
    """A branch whose head moved: what is downstream is opened under ``id``."""

    branch: str
    id: CommitId


@dataclass(frozen=True, slots=True)
class Stale:
    """A branch that may have to follow its provenance anew; ``forced`` even if it is up to date."""

    branch: str
    id: CommitId
    forced: bool


@dataclass(frozen=True, slots=True)
class Killed:
    """A job that was ended before its work was: its workers do not know yet."""

    pipeline: PipelineKey
    id: CommitId
    reason: str


class Tx:
    """One transaction. Callers read ``now`` and ``change``; all else is the room's own.

    Args:
        connection: Inside a transaction; whoever made it ends it.
        now: The time of everything that happens in here.
        ids: Where new change ids come from.
        change: The one id of all acts in here, None if every act has its own.
    """

    def __init__(
        self, connection: Connection, *, now: datetime, ids: IdSource, change: CommitId | None
    ) -> None:
        self.now = now
        self.change = change
        self.moved: list[Moved] = []
        self.stale: list[Stale] = []
        self.killed: list[Killed] = []
        self._ids = ids
        self._connection = connection
        self._events: list[dict[str, Any]] = []
        self._last_number: int | None = None

    def new_change(self) -> CommitId:
        """Return the id for an act that brought none: the transaction's own, else a new one."""
        return self.change if self.change is not None else CommitId(self._ids.new_id())

    def fresh_change(self) -> CommitId:
        """Return an id that nobody has used, whatever the transaction's is."""
        return CommitId(self._ids.new_id())

    def run(
        self,
        statement: Executable,
        rows: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None,
    ) -> int:
        """Execute a write; return the number of rows it touched."""
        return self._connection.execute(statement, rows).rowcount

    def all(
        self, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[Any]]:
        """Return all rows of a query; ``values`` are for statements that were built once."""
        return self._connection.execute(statement, values).all()

    def first(
        self, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> Row[Any] | None:
        """Return the first row of a query, if there is one."""
        return self._connection.execute(statement, values).first()

    def scalar(self, statement: Executable) -> Any:  # noqa: ANN401 a column's type is the caller's to know
        """Return the first column of the first row of a query, if there is one."""
        return self._connection.execute(statement).scalar()

    def add_event(
        self,
        kind: str,
        key: BranchKey | RepoKey | PipelineKey | str,
        *,
        commit: str | None = None,
        state: str | None = None,
        data: dict[str, Any] | None = None,
    ) -> int:
        """Append an event about a project, repo, branch or pipeline; return its number."""
        if self._last_number is None:
            self._last_number = self.scalar(select(func.max(tables.events.c.number))) or 0
        self._last_number += 1
        self._events.append(
            {
                "number": self._last_number,
                "kind": kind,
                "at": self.now,
                "commit": commit,
                "state": state,
                "data": data,
                **_columns(key),
            }
        )
        return self._last_number

    def flush_events(self) -> None:
        """Write the events that were appended since the last time."""
        if self._events:
            self.run(insert(tables.events), self._events)
            self._events = []


def _columns(key: BranchKey | RepoKey | PipelineKey | str) -> dict[str, str | None]:
    match key:
        case BranchKey(repo=repo, name=name):
            return {"project": repo.project, "repo": repo.name, "branch": name, "pipeline": None}
        case RepoKey(project=project, name=name):
            return {"project": project, "repo": name, "branch": None, "pipeline": None}
        case PipelineKey(project=project, name=name):
            return {"project": project, "repo": None, "branch": None, "pipeline": name}
    return {"project": key, "repo": None, "branch": None, "pipeline": None}

"""The catalog's event log and branch heads, read without blocking the triggerer.

Invariants: one call at a time, each in a thread; a ``Pfs`` that could not answer is thrown away, so
that the next call builds a new one, with the connection as it is then; triggers that only ask now
and then share one. Must not know: who reads.
"""

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from pfs_provider.airflow.hook import PfsHook, open_pfs
from pfs_provider.airflow.triggers.follower import MAX_COMMITS
from pfs_provider.errors import NotFoundError
from pfs_provider.refs.names import BranchKey, RepoKey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from pfs_provider.catalog.values import Event
    from pfs_provider.pfs import Pfs

__all__ = ["EventLog", "branch_moves", "shared_log"]

PAGE = 1000
"""Events read at a time."""

T = TypeVar("T")


class EventLog:
    """The event log of one Airflow connection.

    Args:
        pfs_conn_id: The Airflow connection.
    """

    def __init__(self, pfs_conn_id: str) -> None:
        self._hook = PfsHook(pfs_conn_id)
        self._pfs: Pfs | None = None
        self._turn = asyncio.Lock()

    async def last_number(self) -> int:
        """Return the number of the newest event, 0 if there is none."""
        return await self.ask(lambda pfs: pfs.last_event_number())

    async def read(self, after: int) -> "list[Event]":
        """Return the events after number ``after``, in order, at most some thousands."""
        return await self.ask(lambda pfs: list(pfs.list_events(after=after, limit=PAGE)))

    async def landed(self, events: "Sequence[Event]", branch: BranchKey) -> list[str]:
        """Return the commits that the events show to have landed on a branch, oldest first."""
        moves = branch_moves(events, branch)
        if not moves or all(is_finished for _, is_finished in moves):
            return [commit for commit, _ in moves]
        return await self.ask(lambda pfs: _keep_finished(pfs, branch.repo, moves))

    async def list_landed(self, branch: BranchKey, *, after: int, stop: int) -> list[str]:
        """Return the commits that events ``after < number <= stop`` show on a branch, oldest first.

        Reads page by page; of more than ``MAX_COMMITS`` the newest are kept.
        """
        return await self.ask(lambda pfs: _list_landed(pfs, branch, after, stop))

    async def find_head(self, branch: BranchKey) -> str | None:
        """Return the commit that a branch points to, None while there is none."""
        return await self.ask(lambda pfs: _find_head(pfs, branch))

    async def close(self) -> None:
        """Close what was opened."""
        async with self._turn:
            await self._drop()

    async def ask(self, verb: "Callable[[Pfs], T]") -> T:
        """Return what a verb of the catalog gives.

        Args:
            verb: Called in a thread, with nobody else's call at the same time.

        Raises:
            AirflowNotFoundException: The connection is not defined.
            PfsError: As the verb, or as ``Pfs()``.
        """
        async with self._turn:
            if self._pfs is None:
                settings = await self._hook.afind_settings()
                self._pfs = await asyncio.to_thread(open_pfs, settings)
            try:
                return await asyncio.to_thread(verb, self._pfs)
            except Exception:
                await self._drop()
                raise

    async def _drop(self) -> None:
        pfs, self._pfs = self._pfs, None
        if pfs is not None:
            await asyncio.to_thread(pfs.close)


_shared: dict[tuple[int, str], tuple[EventLog, int]] = {}
"""By event loop and connection: the log, and by how many it is used."""


@asynccontextmanager
async def shared_log(pfs_conn_id: str) -> "AsyncIterator[EventLog]":
    """Give the log that all triggers of this process share that ask now and then.

    A triggerer holds a thousand triggers; as many database connections would be too many.
    """
    key = (id(asyncio.get_running_loop()), pfs_conn_id)
    log, n_users = _shared.get(key) or (EventLog(pfs_conn_id), 0)
    _shared[key] = log, n_users + 1
    try:
        yield log
    finally:
        log, n_users = _shared.pop(key)
        if n_users > 1:
            _shared[key] = log, n_users - 1
        else:
            await log.close()


def branch_moves(events: "Sequence[Event]", branch: BranchKey) -> list[tuple[str, bool]]:
    """Return where a branch went, and whether the event itself says that the commit is finished.

    A commit that finishes is told as such; one of an output branch errs or finishes long after the
    branch has moved to it. A branch moved by hand or by a trigger is only told as moved.
    """
    mine = [
        event
        for event in events
        if event.commit is not None
        and event.branch == branch.name
        and event.repo == branch.repo.name
        and event.project == branch.repo.project
    ]
    ended = {event.commit for event in mine if event.kind == "commit-finished"}
    moves: list[tuple[str, bool]] = []
    for event in mine:
        if event.kind == "commit-finished" and event.state == "finished":
            moves.append((str(event.commit), True))
        elif event.kind == "branch-moved" and event.commit not in ended:
            moves.append((str(event.commit), False))
    return moves


def _keep_finished(pfs: "Pfs", repo: RepoKey, moves: list[tuple[str, bool]]) -> list[str]:
    return [
        commit
        for commit, is_finished in moves
        if is_finished or _is_finished(pfs, f"{repo.full}@{commit}")
    ]


def _is_finished(pfs: "Pfs", ref: str) -> bool:
    try:
        return pfs.inspect_commit(ref).state == "finished"
    except NotFoundError:  # deleted meanwhile
        return False


def _list_landed(pfs: "Pfs", branch: BranchKey, after: int, stop: int) -> list[str]:
    found: deque[str] = deque(maxlen=MAX_COMMITS)
    while after < stop:
        events = [
            event for event in pfs.list_events(after=after, limit=PAGE) if event.number <= stop
        ]
        if not events:
            break
        found.extend(_keep_finished(pfs, branch.repo, branch_moves(events, branch)))
        after = events[-1].number
    return list(found)


def _find_head(pfs: "Pfs", branch: BranchKey) -> str | None:
    try:
        return pfs.inspect_branch(branch.full).head
    except NotFoundError:
        return None

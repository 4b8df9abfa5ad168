"""CommitTrigger: announces to Airflow what lands on a branch.

How nothing is lost: the catalog's event log is the truth and a number in it the cursor. One look at
the log serves all triggers of a connection (a shared stream of Airflow 3.3, in acknowledging mode);
each trigger moves its cursor, in Airflow's asset state store, only when Airflow has confirmed that
the event is in its database. What was not confirmed when a triggerer dies is announced again by the
next one. Consumers therefore see a commit at least once, and read the catalog for what there is to
do. Must not know: what consumers do. Source: docs/design/0006-airflow-events.md.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, conf
from airflow.sdk.exceptions import AirflowException, AirflowRuntimeError
from airflow.triggers.base import BaseEventTrigger, TriggerEvent
from airflow.triggers.shared_stream import AdvanceItem, AdvanceOutcome, SharedStreamProducer

from pfs_provider.airflow.news import TAKEN_KEY
from pfs_provider.airflow.triggers.follower import Announcement, Follower
from pfs_provider.airflow.triggers.log import EventLog
from pfs_provider.airflow.uris import asset_uri
from pfs_provider.errors import PfsError
from pfs_provider.refs.names import DEFAULT_BRANCH, DEFAULT_PROJECT, BranchKey, RepoKey

if TYPE_CHECKING:
    from pfs_provider.catalog.values import Event

__all__ = ["CommitTrigger", "LogProducer", "Tick"]

GAP_S = 2.0
"""Least time between two announcements of one asset. Shorter makes more runs, not faster ones:
Airflow
takes about two seconds from an event to a run."""

REMIND_S = 30.0
"""When a head that nobody took up is announced again."""

TROUBLE_S = 5.0
"""Seconds after which a catalog that did not answer is asked again."""

CURSOR_EVERY = 500
"""Events of others after which the cursor is moved although nothing was announced."""

CURSOR_KEY = "pfs_cursor"

TROUBLES = (PfsError, AirflowException, AirflowRuntimeError)
"""What the catalog and Airflow's own services raise; asking again later may help."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One look at the log: the events ``after < number <= last``.

    ``confirmed`` is the ``seq`` of the newest tick whose announcements Airflow holds.
    """

    seq: int
    confirmed: int
    after: int
    last: int
    events: "Sequence[Event]"
    log: EventLog


class LogProducer(SharedStreamProducer):
    """The one poll that serves all triggers of a connection."""

    def __init__(self, *, pfs_conn_id: str, poll_s: float) -> None:
        self._events = EventLog(pfs_conn_id)
        self._poll_s = poll_s
        self._confirmed = 0

    async def open_stream(self) -> AsyncIterator[tuple[Tick, int]]:
        """Yield a tick per look, also without news; a log that does not answer is asked again."""
        seq, last = 0, -1
        while True:
            after = last
            events: list[Event] = []
            try:
                if last < 0:
                    after = last = await self._events.last_number()
                events = await self._events.read(last)
            except TROUBLES as error:
                _log.warning("The event log does not answer, asking again: %s", error)
                await asyncio.sleep(max(self._poll_s, TROUBLE_S))
                continue
            last = events[-1].number if events else last
            seq += 1
            yield (
                Tick(
                    seq=seq,
                    confirmed=self._confirmed,
                    after=after,
                    last=last,
                    events=events,
                    log=self._events,
                ),
                seq,
            )
            await asyncio.sleep(self._poll_s)

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Note what Airflow has stored; the next tick tells the triggers."""
        # A trigger that failed to confirm has died and starts again from its own cursor, so every
        # trigger that is still here and saw this tick has confirmed it.
        self._confirmed = batch[-1].broker_payload

    async def aclose(self) -> None:
        """Close the catalog."""
        await self._events.close()


class CommitTrigger(BaseEventTrigger):
    """Fires for the commits that land on a branch; use it through ``pfs_asset``.

    Args:
        repo: The repo; it need not exist yet.
        branch: The branch; it need not exist yet.
        project: The repo's project.
        pfs_conn_id: The Airflow connection whose catalog is watched.
        poll_s: Seconds between two looks at the log; None takes ``[pfs] poll_s``.

    The payload: ``project``, ``repo``, ``branch``, ``head`` (newest commit), ``commits`` (the new
    ones, oldest first, the newest 1,000), ``n_commits`` and ``reminder``.
    """

    def __init__(
        self,
        *,
        repo: str,
        branch: str = DEFAULT_BRANCH,
        project: str = DEFAULT_PROJECT,
        pfs_conn_id: str = "pfs_default",
        poll_s: float | None = None,
    ) -> None:
        super().__init__()
        self.key = BranchKey(RepoKey(project, repo), branch)
        self.pfs_conn_id = pfs_conn_id
        self.poll_s = poll_s
        self._unconfirmed: tuple[int, int] | None = None  # tick, event number
        self._stored = -1

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return how to build this trigger again; differs for every branch."""
        return (
            "pfs_provider.airflow.triggers.commits.CommitTrigger",
            {
                "repo": self.key.repo.name,
                "branch": self.key.name,
                "project": self.key.repo.project,
                "pfs_conn_id": self.pfs_conn_id,
                "poll_s": self.poll_s,
            },
        )

    def shared_stream_key(self) -> Hashable:
        """Return what triggers that share one poll have in common."""
        return ("pfs-events", self.pfs_conn_id, self.poll_s)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> LogProducer:
        """Return the poll; being defined, it also turns on Airflow's acknowledging mode."""
        poll_s = kwargs["poll_s"] or conf.getfloat("pfs", "poll_s", fallback=1.0)
        return LogProducer(pfs_conn_id=kwargs["pfs_conn_id"], poll_s=poll_s)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Watch alone, where no triggerer shares the poll."""
        producer = self.create_shared_stream_producer(self.serialize()[1])

        async def ticks() -> AsyncIterator[Tick]:
            async for tick, payload in producer.open_stream():
                yield tick
                await producer.advance([AdvanceItem(payload, AdvanceOutcome(acked=1, failed=0))])

        try:
            async for event in self.filter_shared_stream(ticks()):
                yield event
        finally:
            await producer.aclose()

    async def filter_shared_stream(
        self, shared_stream: AsyncIterator[Tick]
    ) -> AsyncIterator[TriggerEvent]:
        """Turn looks at the log into announcements of this branch."""
        follower: Follower | None = None
        async for tick in shared_stream:
            try:
                if follower is None:
                    follower = await self._start(tick)
                await self._take_up(tick, follower)
                news = await self._next(follower)
            except TROUBLES as error:
                self.log.warning("%s is not watched for now, trying again: %s", self.key, error)
                continue
            if news is not None:
                self.log.info("%s: %d new, head %s", self.key, news.n_commits, news.head)
                self._unconfirmed = (tick.seq, follower.seen)
                yield TriggerEvent(self._payload(news))

    async def _start(self, tick: Tick) -> Follower:
        """Go on where the last triggerer confirmed; the first time, announce the head there is."""
        cursor = await self._state("get", CURSOR_KEY)
        if cursor is not None and cursor["event"] <= tick.last:  # else it is another catalog's
            follower = Follower(gap_s=GAP_S, remind_s=REMIND_S, seen=cursor["event"])
            follower.head, self._stored = cursor["head"], cursor["event"]
            follower.start_clock(_now())
            return follower
        follower = Follower(gap_s=GAP_S, remind_s=REMIND_S, seen=tick.after)
        head = await tick.log.find_head(self.key)
        if head is not None:
            follower.add([head], seen=tick.after)
        return follower

    async def _take_up(self, tick: Tick, follower: Follower) -> None:
        """Add what this look shows, and what the cursor lags behind it; move the cursor."""
        if follower.seen < tick.after:
            missed = await tick.log.list_landed(self.key, after=follower.seen, stop=tick.after)
            follower.add(missed, seen=tick.after)
        new = [event for event in tick.events if event.number > follower.seen]
        follower.add(await tick.log.landed(new, self.key), seen=tick.last)
        if self._unconfirmed is not None and tick.confirmed >= self._unconfirmed[0]:
            await self._store_cursor(self._unconfirmed[1], follower.head)
            self._unconfirmed = None
        elif self._is_cursor_old(follower):
            await self._store_cursor(follower.seen, follower.head)

    def _is_cursor_old(self, follower: Follower) -> bool:
        quiet = self._unconfirmed is None and follower.is_idle
        return quiet and (self._stored < 0 or follower.seen - self._stored >= CURSOR_EVERY)

    async def _next(self, follower: Follower) -> Announcement | None:
        now = _now()
        if self._unconfirmed is None and follower.is_reminder_due(now):
            return follower.remind(now, taken=await self._state("get", TAKEN_KEY))
        return follower.announce(now)

    async def _store_cursor(self, event: int, head: str | None) -> None:
        await self._state("set", CURSOR_KEY, {"event": event, "head": head})
        self._stored = event

    async def _state(self, verb: str, key: str, value: Any = None) -> Any:
        store = self._find_store()
        if store is None:
            return None
        return await (store.aget(key) if verb == "get" else store.aset(key, value))

    def _find_store(self) -> Any:
        """Return the state of this asset; None outside a triggerer (tests, ``run`` alone)."""
        stores = self.asset_state_store
        if stores is None:
            return None
        uri = asset_uri(self.key)
        try:
            return stores[Asset(name=uri, uri=uri)]
        except KeyError:  # an asset made by hand, under a name of its own
            return stores

    def _payload(self, news: Announcement) -> dict[str, Any]:
        return {
            "project": self.key.repo.project,
            "repo": self.key.repo.name,
            "branch": self.key.name,
            "head": news.head,
            "commits": list(news.commits),
            "n_commits": news.n_commits,
            "reminder": news.is_reminder,
        }


def _now() -> float:
    return asyncio.get_running_loop().time()

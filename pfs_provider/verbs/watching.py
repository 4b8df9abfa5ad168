"""The verb behind ``pfs watch``: tell somebody of each job that is ready, for as long as it is.

Invariants: the catalog is the cursor. A job that is ready is one that nobody has begun, so that
whoever starts to watch tells what is to be done, and nothing else has to be remembered; the event
log only says when to look. One of several watchers of a name is at work; the others wait for its
lease to end. Telling is repeated rather than left out. Must not know: who is told.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from pfs_provider.argo.submission import Target
from pfs_provider.catalog import events, leases, triggers
from pfs_provider.catalog import jobs as job_rows
from pfs_provider.clock import Clock
from pfs_provider.errors import UnavailableError
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.ticks import put_due_ticks
from pfs_provider.verbs.session import Session

__all__ = ["WatchVerbs", "Watcher"]

LEASE_S = 20.0
"""Seconds after which another watcher takes the place of one that died."""
LOOK_ANYWAY_S = 60.0
"""Seconds after which jobs are looked at though no event came: leases of dead schedulers end
without one."""
MAX_PAUSE_S = 30.0

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Watcher:
    """One of the watchers of a name.

    Args:
        jobs: Where.
        target: Who is told.
        name: Watchers of one name tell together what one would.
        owner: This one's name; nobody else has it.
        poll_s: Seconds between looks.
    """

    jobs: Jobs
    target: Target
    name: str
    owner: str
    poll_s: float = 1.0
    _seen: int = -1
    _looked_at: float | None = None
    _told: set[JobRef] = field(default_factory=set)
    _pause_s: float = 0.0

    def turn(self) -> float:
        """Look once, tell what is new, and return how many seconds to wait.

        Raises:
            PfsError: The catalog does not answer, or somebody cannot be told for good.
        """
        clock: Clock = self.jobs.clock
        with self.jobs.versions.catalog.write() as tx:
            is_mine = leases.acquire_lease(
                tx, f"watch/{self.name}", owner=self.owner, lease_s=LEASE_S
            )
            if is_mine:
                triggers.fire_cron(tx, clock.now())
        if not is_mine:
            self._forget()
            return self.poll_s
        put_due_ticks(self.jobs.versions)
        with self.jobs.versions.catalog.read() as tx:
            newest = events.last_event_number(tx)
            if newest == self._seen and not self._is_time(clock):
                return self.poll_s
            ready = [JobRef(job.pipeline, job.id) for job in job_rows.list_ready(tx)]
        try:
            self._tell(ready)
        except UnavailableError as error:
            self._pause_s = min(MAX_PAUSE_S, max(self.poll_s, self._pause_s * 2))
            log.warning("%s", error)
            return self._pause_s
        self._seen, self._looked_at, self._pause_s = newest, clock.monotonic(), 0.0
        return self.poll_s

    def stop(self) -> None:
        """Let another watcher take over at once."""
        with self.jobs.versions.catalog.write() as tx:
            leases.release_lease(tx, f"watch/{self.name}", owner=self.owner)

    def _tell(self, ready: list[JobRef]) -> None:
        self._told &= set(ready)
        for job in ready:
            if job not in self._told:
                self.target.tell(job)
                self._told.add(job)
                log.info("told of %s", job)

    def _is_time(self, clock: Clock) -> bool:
        return self._looked_at is None or clock.monotonic() - self._looked_at > LOOK_ANYWAY_S

    def _forget(self) -> None:
        self._seen, self._looked_at = -1, None
        self._told.clear()


class WatchVerbs(Session):
    """Watching."""

    def watch(
        self,
        target: Target,
        *,
        owner: str,
        name: str = "pfs",
        poll_s: float = 1.0,
        on_turn: Callable[[], None] | None = None,
    ) -> None:
        """Tell a target of each job that is ready, for ever; cron triggers fire, too.

        Args:
            target: Who is told: ``argo/submission.py``.
            owner: A name that nobody else has.
            name: Watchers of one name take turns: one is at work.
            poll_s: Seconds between looks at the event log.
            on_turn: Called after each look.
        """
        watcher = Watcher(jobs=self._jobs, target=target, name=name, owner=owner, poll_s=poll_s)
        try:
            while True:
                pause_s = watcher.turn()
                if on_turn is not None:
                    on_turn()
                self._jobs.clock.sleep(pause_s)
        finally:
            watcher.stop()

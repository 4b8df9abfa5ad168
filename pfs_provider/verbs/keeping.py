"""What is done beside a workflow's workers: their job is kept, and given up if none can start.

Invariants: nothing here hinders work that goes on: a catalog or a cluster that does not answer is
asked again, and without the right to see pods the job is kept all the same. Must not know: pods.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pfs_provider.clock import Clock
from pfs_provider.errors import ErrorCode, UnavailableError

if TYPE_CHECKING:
    from pfs_provider.argo.starts import Starts

__all__ = ["LOOK_S", "Keeping"]

RENEWALS_PER_LEASE = 4
LOOK_S = 4.0
"""Seconds between two looks at pods, while no worker has started, at first."""
SOON_S = 120.0
"""Seconds after which it is room that they wait for, and a look with each renewal is enough."""
END_S = 1.0
"""Seconds between two tries to end them: a kubelet undoes each within a few."""


@dataclass(slots=True, kw_only=True)
class Keeping:
    """One workflow's hold on one job. Take turns, and ``pause_s`` between them.

    Args:
        job: ``pipeline@id``, to be named.
        lease_s: Seconds for which others keep off after the last turn.
        clock: For the time between renewals.
        renew: Renews the lease; returns whether the job is the workflow's still.
        end: Ends the job as a failure, for a reason.
        find_end: Returns how the job has ended, None if it has not.
        starts: The workers' pods; None where they cannot be seen.
    """

    job: str
    lease_s: float
    clock: Clock
    renew: Callable[[], bool]
    end: Callable[[str], object]
    find_end: Callable[[], str | None]
    starts: "Starts | None"
    _is_held: bool = False
    _next_renewal: float = 0.0
    _began: float | None = None
    _problem: str | None = None

    @property
    def pause_s(self) -> float:
        """Seconds until the next turn."""
        if self._problem is not None:
            return END_S
        renewal_s = self.lease_s / RENEWALS_PER_LEASE
        if self.starts is None or self.starts.has_started or self._is_late():
            return renewal_s
        return min(LOOK_S, renewal_s)

    def turn(self) -> Iterator[str]:
        """Do what is due, and yield what there is to tell. Raises PfsError for what stays wrong."""
        if (now := self.clock.monotonic()) >= self._next_renewal:
            self._next_renewal = now + self.lease_s / RENEWALS_PER_LEASE
            try:
                was_held, self._is_held = self._is_held, self.renew()
            except UnavailableError:  # who does not answer gives it to nobody else
                return
            if was_held != self._is_held:
                yield f"{self.job} is {'kept' if self._is_held else 'kept no longer'}"
        try:
            yield from self._look()
        except UnavailableError as error:
            if error.code == ErrorCode.CLUSTER_FORBIDDEN:
                self.starts = None
                yield (
                    "workers that cannot start are given up late only, for want of rights that "
                    f"argo_templates/access gives: {error}"
                )

    def _is_late(self) -> bool:
        self._began = self._began or self.clock.monotonic()
        return self.clock.monotonic() - self._began > SOON_S

    def _look(self) -> Iterator[str]:
        if self.starts is None:
            return
        if self._problem is None and self._is_held:
            problem = self.starts.look()
            if problem is not None:
                self.end(problem)
                self._problem = problem
                yield f"{self.job} cannot be worked: {problem}"
        elif self._problem is None:
            self._problem = self.find_end()
        if self._problem is not None:
            self.starts.end(self._problem)

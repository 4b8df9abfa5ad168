"""When a branch's new commits are announced to Airflow. Pure: time and answers are arguments.

Invariants: every commit added is announced, once or more, never skipped; the newest is the head of
the announcement that holds it; two announcements are at least ``gap_s`` apart, because Airflow
makes a run of each and merges what comes close together. Must not know: Airflow, or where commits
come from.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["MAX_COMMITS", "MAX_REMINDERS", "Announcement", "Follower"]

MAX_COMMITS = 1000
"""Ids in one announcement, the newest. More would only fill Airflow's database: whoever has to see
each
commit reads the catalog."""

MAX_REMINDERS = 6
"""How often a head is announced again that no consumer takes up; each wait is twice the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What to tell: the newest commit, and the new ones, oldest first, at most ``MAX_COMMITS``."""

    head: str
    commits: tuple[str, ...]
    n_commits: int
    is_reminder: bool = False


@dataclass(slots=True, kw_only=True)
class Follower:
    """One branch as its trigger sees it.

    Args:
        gap_s: Least seconds between two announcements; the first is made at once.
        remind_s: Seconds after an announcement when it is first asked whether somebody took it up.
        seen: Number of the last event of the log that was looked at.
        head: The commit announced last.
    """

    gap_s: float
    remind_s: float
    seen: int
    head: str | None = None
    _waiting: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_COMMITS))
    _n_waiting: int = 0
    _last_at: float | None = None
    _n_reminders: int = 0
    _taken: str | None = None

    def add(self, commits: Iterable[str], *, seen: int) -> None:
        """Take up the commits that the log shows up to event ``seen``, oldest first."""
        for commit in commits:
            # A commit that lands is told twice, as finished and as the branch's head.
            if commit != (self._waiting[-1] if self._waiting else self.head):
                self._waiting.append(commit)
                self._n_waiting += 1
        self.seen = max(self.seen, seen)

    @property
    def is_idle(self) -> bool:
        """Whether everything seen has been announced."""
        return not self._waiting

    def announce(self, now: float) -> Announcement | None:
        """Return what to announce now, None if there is nothing or it is too early."""
        early = self._last_at is not None and now - self._last_at < self.gap_s
        if not self._waiting or early:
            return None
        news = Announcement(
            head=self._waiting[-1], commits=tuple(self._waiting), n_commits=self._n_waiting
        )
        self.head, self._last_at, self._n_reminders = news.head, now, 0
        self._waiting.clear()
        self._n_waiting = 0
        return news

    def start_clock(self, now: float) -> None:
        """Count from now when asking for reminders, after a start with a known head."""
        self._last_at = now

    def is_reminder_due(self, now: float) -> bool:
        """Return whether to look if a consumer has taken up the head."""
        return (
            self.head is not None
            and self._last_at is not None
            and self.is_idle
            and self._n_reminders < MAX_REMINDERS
            and now - self._last_at >= self.remind_s * 2**self._n_reminders
        )

    def remind(self, now: float, *, taken: str | None) -> Announcement | None:
        """Return the head again if a consumer says what it takes up, and lags behind.

        Args:
            now: The time, as for :meth:`announce`.
            taken: The commit that a consumer took up last; None if none ever told.
        """
        if taken == self.head:
            self._n_reminders = MAX_REMINDERS
            return None
        self._last_at = now
        if taken == self._taken:
            self._n_reminders += 1
        else:  # somebody works through what there is, piece by piece
            self._taken, self._n_reminders = taken, 1
        if taken is None or self.head is None:
            return None
        return Announcement(head=self.head, commits=(self.head,), n_commits=1, is_reminder=True)

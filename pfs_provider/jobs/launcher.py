"""The port through which a job gets its workers.

Implementations: local_launcher.py, and one per kind of cluster.
Workers take all they need from the store, so a launcher only starts, watches and stops programs.
"""

from dataclasses import dataclass
from typing import Protocol

from pfs_provider.jobs.keys import JobRef

__all__ = ["Launcher", "Workers", "WorkersState"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersState:
    """How the workers are. ``problem`` says why work cannot go on, None while it can."""

    alive: int
    problem: str | None = None


class Workers(Protocol):
    """The workers of one job. All verbs are called from one thread."""

    def poll(self) -> WorkersState:
        """Return how they are; called about twice a second. Replaces workers that were lost."""

    def stop(self) -> None:
        """End all of them, return when they are gone. Called once or more, also after their end."""


class Launcher(Protocol):
    """Starts workers."""

    def launch(self, job: JobRef, n_workers: int) -> Workers:
        """Start the workers of a job, or adopt those that run already.

        Args:
            job: Whose plan lies in the store.
            n_workers: How many, at least 1.

        Raises:
            UnavailableError: Workers cannot be started here. None is left.
        """

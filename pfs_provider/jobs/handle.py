"""The handle that every verb of this room takes."""

from dataclasses import dataclass

from pfs_provider.clock import Clock
from pfs_provider.jobs.objects import JobObjects
from pfs_provider.storage.handle import Storage
from pfs_provider.versioning.versions import Versions

__all__ = ["Jobs"]

PATIENCE_S = 60.0
"""Seconds that a scheduler outlasts a store that is away: its workers may do so, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """Versions, and how long a scheduler may be silent before another takes its job.

    Args:
        versions: The catalog and the storage.
        lease_s: Seconds that a claim on a job lasts unless it is renewed.
    """

    versions: Versions
    lease_s: float

    @property
    def storage(self) -> Storage:
        """Where the bytes are."""
        return self.versions.storage

    @property
    def objects(self) -> JobObjects:
        """The store once more, for what jobs keep in it: plans, claims, results, logs."""
        return JobObjects(self.storage.store, self.clock, PATIENCE_S)

    @property
    def clock(self) -> Clock:
        """The time."""
        return self.versions.clock

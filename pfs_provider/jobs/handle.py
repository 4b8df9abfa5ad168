"""The handle that every verb of this room takes."""

from dataclasses import dataclass, field

from pfs_provider.clock import Clock
from pfs_provider.jobs.log_rules import LogRules
from pfs_provider.jobs.objects import JobObjects
from pfs_provider.jobs.records import PROGRAM_START_S
from pfs_provider.jobs.sender import Sender
from pfs_provider.storage.handle import Storage
from pfs_provider.versioning.versions import Versions

__all__ = ["Jobs"]

PATIENCE_S = 60.0
"""Seconds that a scheduler outlasts a store that is away: its workers may do so, too."""

EGRESS_PATIENCE_S = 600.0
"""Seconds that an egress is tried for: a database that is restarted is back by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """Versions, and how long a scheduler may be silent before another takes its job.

    Args:
        versions: The catalog and the storage.
        lease_s: Seconds that a claim on a job lasts unless it is renewed.
        log_rules: What is kept of what user code prints.
        sender: Takes outputs out of here; None where no job is finished.
        egress_patience_s: Seconds that trouble with an egress may last.
        program_start_s: Seconds that a program which stays up may take to its first question.
    """

    versions: Versions
    lease_s: float
    log_rules: LogRules = field(default_factory=LogRules)
    sender: Sender | None = None
    egress_patience_s: float = EGRESS_PATIENCE_S
    program_start_s: float = PROGRAM_START_S

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

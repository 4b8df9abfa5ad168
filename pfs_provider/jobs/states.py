"""States in which somebody works on a job, or could. Source: semantics of Pachyderm 2.x."""

from pfs_provider.catalog.values import JobState

__all__ = ["ACTIVE"]

ACTIVE: tuple[JobState, ...] = ("starting", "running", "egressing", "finishing")
"""Not ``created``: such a job waits for others."""

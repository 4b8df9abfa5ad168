"""What a task's log says of a job, once per change.

The text is Pachyderm's: ``processed + skipped / total``, and what went wrong.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pfs_provider.infos import JobInfo

__all__ = ["ProgressText", "job_reference"]


class ProgressText:
    """Remembers what was said last."""

    def __init__(self) -> None:
        self._last = ""

    def line(self, job: "JobInfo") -> str | None:
        """Return the line to log, None if it would repeat the last one."""
        counts = f"{job.processed} + {job.skipped} / {job.total}"
        failed = f", {job.failed} failed" if job.failed else ""
        recovered = f", {job.recovered} recovered" if job.recovered else ""
        reason = f": {job.reason}" if job.reason else ""
        line = f"{job_reference(job)} {job.state} {counts}{failed}{recovered}{reason}"
        if line == self._last:
            return None
        self._last = line
        return line


def job_reference(job: "JobInfo") -> str:
    """Return ``[project/]pipeline@id``."""
    project = "" if job.project == "default" else f"{job.project}/"
    return f"{project}{job.pipeline}@{job.id}"

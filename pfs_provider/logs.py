"""Structured logs: what a job does as fields of a log record, and records as lines of JSON.

Invariant: a line has the keys that a worker's events have: time, level, event; the rest are the
record's own fields. Must not know: who logs.
"""

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pfs_provider.infos import JobInfo

__all__ = ["JsonFormatter", "job_fields", "job_text", "log_job"]

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""What every record has; anything else was given by who logged."""

COUNTS = ("total", "processed", "skipped", "recovered", "failed")


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        time = datetime.fromtimestamp(record.created, tz=UTC)
        line: dict[str, object] = {
            "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        line |= {name: value for name, value in vars(record).items() if name not in STANDARD}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=str)


def job_fields(job: "JobInfo") -> dict[str, object]:
    """Return what a log says of a job, with names that nobody else has."""
    counts = {f"pfs_{name}": getattr(job, name) for name in COUNTS}
    return {
        "pfs_job": job.id,
        "pfs_pipeline": job.pipeline,
        "pfs_project": job.project,
        "pfs_version": job.version,
        "pfs_state": job.state,
        "pfs_reason": job.reason,
    } | counts


def job_text(job: "JobInfo") -> str:
    """Return what a log says of a job in words."""
    n_done = job.processed + job.skipped + job.recovered
    reason = f": {job.reason}" if job.reason else ""
    return (
        f"{job.pipeline}@{job.id} {job.state}, {n_done} of {job.total} datums, "
        f"{job.failed} failed{reason}"
    )


def log_job(logger: logging.Logger, job: "JobInfo", **about: object) -> None:
    """Log what a job is doing, as text and as fields.

    Args:
        logger: Where to.
        job: As ``Pfs.run`` tells of it.
        about: More fields, such as the run of a scheduler.
    """
    logger.info("%s", job_text(job), extra=job_fields(job) | about)

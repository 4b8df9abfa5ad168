"""The columns of each list, as users of Pachyderm know them.

Kinds are found by the name of their class: the classes of the engine's rooms are not imported for
``--help``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pfs_provider.cli.words import (
    age_text,
    bar_text,
    duration_text,
    progress_text,
    size_text,
    time_text,
)

__all__ = ["COLUMNS", "Now", "columns_of", "row_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """The time of day; ``full`` shows times in full."""

    at: datetime
    full: bool = False

    def text(self, at: datetime | None) -> str:
        """Return a time for people."""
        return time_text(at) if self.full else age_text(at, self.at)

    def duration(self, started: datetime | None, finished: datetime | None) -> str:
        """Return how long something took, or takes until now."""
        if started is None:
            return "-"
        return duration_text(((finished or self.at) - started).total_seconds())


Cell = Callable[[Any, Now], str]  # Any: each column reads the fields of its own kind


def _finished_text(commit: Any, now: Now) -> str:  # noqa: ANN401 - a CommitInfo
    return now.text(commit.finished) if commit.finished else commit.state


def _set_columns(noun: str) -> dict[str, Cell]:
    return {
        "ID": lambda change, _: change.id,
        noun: lambda change, _: str(change.members),
        "PROGRESS": lambda change, _: bar_text(change.done, change.members),
        "CREATED": lambda change, now: now.text(change.created),
        "MODIFIED": lambda change, now: now.text(change.modified),
    }


COLUMNS: dict[str, dict[str, Cell]] = {
    "RepoInfo": {
        "PROJECT": lambda repo, _: repo.project,
        "NAME": lambda repo, _: repo.name,
        "CREATED": lambda repo, now: now.text(repo.created),
        "SIZE (MASTER)": lambda repo, _: size_text(repo.size),
        "DESCRIPTION": lambda repo, _: repo.description,
    },
    "SecretInfo": {
        "NAME": lambda secret, _: secret.name,
        "KEYS": lambda secret, _: ", ".join(secret.keys),
        "CREATED": lambda secret, now: now.text(secret.created),
    },
    "BranchInfo": {
        "BRANCH": lambda branch, _: branch.name,
        "HEAD": lambda branch, _: branch.head or "-",
        "TRIGGER": lambda branch, _: _trigger_text(branch.trigger),
    },
    "CommitInfo": {
        "PROJECT": lambda commit, _: commit.project,
        "REPO": lambda commit, _: commit.repo,
        "COMMIT": lambda commit, _: f"{commit.branch}={commit.id}",
        "FINISHED": _finished_text,
        "SIZE": lambda commit, _: size_text(commit.size),
        "ORIGIN": lambda commit, _: commit.origin.upper(),
        "DESCRIPTION": lambda commit, _: commit.error or commit.message,
    },
    "FileInfo": {
        "SIZE": lambda file, _: size_text(file.size),
        "NAME": lambda file, _: file.path,
    },
    "DiffInfo": {
        "OP": lambda diff, _: {"added": "+", "deleted": "-", "modified": "M"}[diff.op],
        "SIZE": lambda diff, _: size_text(
            diff.old_size if diff.new_size is None else diff.new_size
        ),
        "NAME": lambda diff, _: diff.path,
    },
    "PipelineInfo": {
        "PROJECT": lambda pipeline, _: pipeline.project,
        "NAME": lambda pipeline, _: pipeline.name,
        "VERSION": lambda pipeline, _: str(pipeline.version),
        "INPUT": lambda pipeline, _: pipeline.input,
        "CREATED": lambda pipeline, now: now.text(pipeline.created),
        "STATE / LAST JOB": lambda pipeline, _: f"{pipeline.state} / {pipeline.last_job or '-'}",
    },
    "JobInfo": {
        "PROJECT": lambda job, _: job.project,
        "PIPELINE": lambda job, _: job.pipeline,
        "ID": lambda job, _: job.id,
        "STARTED": lambda job, now: now.text(job.started),
        "DURATION": lambda job, now: now.duration(job.started, job.finished),
        "PROGRESS": lambda job, _: job_progress(job),
        "STATE": lambda job, _: job.state + (f": {job.reason}" if job.reason else ""),
    },
    "DatumInfo": {
        "ID": lambda datum, _: datum.id,
        "FILES": lambda datum, _: ", ".join(datum.files),
        "STATUS": lambda datum, _: datum.state,
        "TIME": lambda datum, now: now.duration(datum.started, datum.finished),
    },
    "CommitSet": _set_columns("SUBCOMMITS"),
    "JobSet": _set_columns("SUBJOBS"),
    "TransactionInfo": {
        "TRANSACTION": lambda transaction, _: transaction.id,
        "STARTED": lambda transaction, now: now.text(transaction.started),
        "OPS": lambda transaction, _: str(len(transaction.requests)),
    },
    "FileLink": {
        "FILE": lambda link, _: link.file,
        "SIZE": lambda link, _: size_text(link.size),
        "DATUM": lambda link, _: link.datum or "-",
        "JOB": lambda link, _: link.job or "-",
    },
}
"""Heading and cell of each column, by the name of the class."""


def columns_of(kind: type) -> dict[str, Cell]:
    """Return the columns of a class of values, those of its parent if it has none of its own."""
    return next(COLUMNS[part.__name__] for part in kind.__mro__ if part.__name__ in COLUMNS)


def row_of(info: object, columns: Sequence[str], now: Now) -> list[str]:
    """Return the cells of one value, each on one line."""
    cells = columns_of(type(info))
    return [" ".join(cells[name](info, now).split("\n")) for name in columns]


def job_progress(job: Any) -> str:  # noqa: ANN401 - a JobInfo
    """Return a job's counts in short."""
    return progress_text(
        processed=job.processed, skipped=job.skipped, recovered=job.recovered, total=job.total
    )


def _trigger_text(trigger: dict[str, object] | None) -> str:
    if not trigger:
        return "-"
    rules = [f"{name}={value}" for name, value in trigger.items() if value and name != "branch"]
    return f"{trigger.get('branch')} on {', '.join(rules)}"

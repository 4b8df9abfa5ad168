"""What the façade and ``-o json`` give: plain values with stable fields (docs/reference).

Invariants: times are aware UTC, ids are 32 hex digits, states are lower-case words, sizes are
bytes. Fields are only ever added at the end. Must not know: any room above.
"""

from dataclasses import dataclass
from datetime import datetime

__all__ = [
    "BranchInfo",
    "CommitInfo",
    "DatumInfo",
    "DiffInfo",
    "FileInfo",
    "JobInfo",
    "PipelineInfo",
    "RepoInfo",
    "RunCommitInfo",
    "SecretInfo",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoInfo:
    """A repo. ``size`` is that of the head of its ``master`` branch, in bytes."""

    project: str
    name: str
    description: str
    created: datetime
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchInfo:
    """A branch.

    ``head`` is None before its first commit; ``provenance`` is direct, ``project/repo@branch``.
    """

    project: str
    repo: str
    name: str
    head: str | None
    provenance: tuple[str, ...]
    trigger: dict[str, object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitInfo:
    """A commit.

    ``origin`` is ``user`` or ``auto``; ``state`` is ``open``, ``finishing``, ``finished`` or
    ``error``; ``size`` is in bytes, None while open; ``error`` says why the commit must not be
    built upon, else None; ``provenance`` is direct, ``project/repo@id``.
    """

    project: str
    repo: str
    branch: str
    id: str
    parent: str | None
    origin: str
    state: str
    started: datetime
    finished: datetime | None
    size: int | None
    message: str
    error: str | None
    provenance: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommitInfo(CommitInfo):
    """A commit that an external run made: ``run`` are its facts, such as a workflow's name."""

    run: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInfo:
    """A file or a directory of a commit.

    A directory's path ends in ``/`` and its ``size`` and ``digest`` cover all below it. ``digest``
    is hex; ``datum`` is the id of the datum that made the file, None for files that a user put.
    """

    path: str
    type: str
    size: int
    digest: str
    datum: str | None
    modified: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffInfo:
    """One file that differs.

    ``op`` is ``added``, ``deleted`` or ``modified``; sizes in bytes or None.
    """

    op: str
    path: str
    old_size: int | None
    new_size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineInfo:
    """A pipeline at its newest version.

    ``input`` is the shorthand text; ``last_job`` a job's state.
    """

    project: str
    name: str
    version: int
    state: str
    reason: str
    input: str
    created: datetime
    last_job: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInfo:
    """A job.

    Counts always add up: processed + skipped + recovered + failed = total, once it is done.
    """

    id: str
    project: str
    pipeline: str
    version: int
    output_commit: str
    state: str
    reason: str
    created: datetime
    started: datetime | None
    finished: datetime | None
    total: int
    processed: int
    skipped: int
    recovered: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DatumInfo:
    """One unit of work of a job. ``files`` are ``repo@commit:/path``; a directory ends in ``/``."""

    id: str
    job: str
    state: str
    files: tuple[str, ...]
    tries: int
    exit_code: int | None
    started: datetime | None
    finished: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretInfo:
    """A secret of this machine: the names of its keys, no value."""

    name: str
    keys: tuple[str, ...]
    created: datetime

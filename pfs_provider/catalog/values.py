"""What the catalog's verbs take and give: frozen values, never rows.

Invariants: times are aware UTC; a commit's id is that of its change; sizes are bytes.
Must not know: SQL.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from typing import Final, Literal

from pfs_provider.infos import (
    BranchInfo,
    CommitInfo,
    JobInfo,
    PipelineInfo,
    RepoInfo,
    RunCommitInfo,
)
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey, PipelineKey, RepoKey

__all__ = [
    "ACTIVE_JOB_STATES",
    "ENDED_JOB_STATES",
    "Branch",
    "Commit",
    "CommitPin",
    "CommitState",
    "Counts",
    "Event",
    "Job",
    "JobState",
    "Lease",
    "NamedTransaction",
    "Pipeline",
    "PipelineInput",
    "PipelineKind",
    "PipelineState",
    "Project",
    "Repo",
    "Trigger",
]

CommitState = Literal["open", "finishing", "finished", "error"]
"""``error`` is finished too: readable, but nothing builds upon it."""

JobState = Literal[
    "created",
    "starting",
    "running",
    "egressing",
    "finishing",
    "success",
    "failure",
    "killed",
    "unrunnable",
]
"""``created`` waits for its inputs, ``starting`` is ready; the last four are ends."""

PipelineKind = Literal["transform", "service", "spout"]
"""A transform's command runs once per datum; the others' command stands: it is kept up."""
PipelineState = Literal["starting", "running", "restarting", "failure", "paused", "crashing"]

ACTIVE_JOB_STATES: Final[tuple[JobState, ...]] = (
    "created",
    "starting",
    "running",
    "egressing",
    "finishing",
)
ENDED_JOB_STATES: Final[tuple[JobState, ...]] = ("success", "failure", "killed", "unrunnable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A namespace of repos and pipelines."""

    name: str
    description: str
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Repo:
    """A repo. ``size`` is that of the newest finished state of ``master``, 0 without one."""

    key: RepoKey
    description: str
    created: datetime
    size: int

    def info(self) -> RepoInfo:
        """Return what the façade shows."""
        return RepoInfo(
            project=self.key.project,
            name=self.key.name,
            description=self.description,
            created=self.created,
            size=self.size,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """When a branch follows another one of its repo.

    Args:
        branch: Name of the watched branch.
        size: Fires when the watched branch has grown by that much, for example ``1K`` (1,000).
        commits: Fires after that many commits.
        rate: Cron expression: fires if a tick lies between the two heads' finish times.
        cron: Cron expression with a clock of its own; excludes the other three.
        all: Every condition has to hold, else one is enough.
    """

    branch: str
    size: str | None = None
    commits: int | None = None
    rate: str | None = None
    cron: str | None = None
    all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A name that moves. ``open_commit`` is what a user has started and not finished."""

    key: BranchKey
    head: CommitId | None
    open_commit: CommitId | None
    provenance: tuple[BranchKey, ...]
    trigger: Trigger | None

    def info(self) -> BranchInfo:
        """Return what the façade shows."""
        return BranchInfo(
            project=self.key.repo.project,
            repo=self.key.repo.name,
            name=self.key.name,
            head=self.head,
            provenance=tuple(key.full for key in self.provenance),
            trigger=None if self.trigger is None else asdict(self.trigger),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitPin:
    """The exact commit of a branch's repo that something read."""

    branch: BranchKey
    id: CommitId

    @property
    def full(self) -> str:
        """``project/repo@id``."""
        return f"{self.branch.repo.full}@{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A state of a repo. ``provenance`` is direct; ``run`` are facts of an external run.

    ``tree`` is ``""``, ``n_files`` and ``size`` are None while nobody has said them.
    """

    repo: RepoKey
    branch: str
    id: CommitId
    parent: CommitId | None
    origin: Literal["user", "auto"]
    state: CommitState
    tree: str
    n_files: int | None
    size: int | None
    message: str
    error: str | None
    started: datetime
    finished: datetime | None
    provenance: tuple[CommitPin, ...]
    run: Mapping[str, object] | None = None

    @property
    def full(self) -> str:
        """``project/repo@id``."""
        return f"{self.repo.full}@{self.id}"

    @property
    def is_finished(self) -> bool:
        """Whether it will not change any more, with an error or without."""
        return self.state in {"finished", "error"}

    def info(self) -> CommitInfo:
        """Return what the façade shows."""
        kind = CommitInfo if self.run is None else partial(RunCommitInfo, run=dict(self.run))
        return kind(
            project=self.repo.project,
            repo=self.repo.name,
            branch=self.branch,
            id=self.id,
            parent=self.parent,
            origin=self.origin,
            state=self.state,
            started=self.started,
            finished=self.finished,
            size=self.size,
            message=self.message,
            error=self.error,
            provenance=tuple(pin.full for pin in self.provenance),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineInput:
    """One input of a pipeline. ``propagate=False``: commits there cause nothing by themselves."""

    name: str
    branch: BranchKey
    propagate: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A pipeline at one version. ``memo`` is a tree's text; ``last_job`` the newest job's state."""

    key: PipelineKey
    version: int
    spec: str
    state: PipelineState
    reason: str
    inputs: tuple[PipelineInput, ...]
    input_text: str
    output: BranchKey
    created: datetime
    memo: str | None
    stopped: bool
    kind: PipelineKind = "transform"
    last_job: JobState | None = None

    def info(self) -> PipelineInfo:
        """Return what the façade shows."""
        return PipelineInfo(
            project=self.key.project,
            name=self.key.name,
            version=self.version,
            state=self.state,
            reason=self.reason,
            input=self.input_text,
            created=self.created,
            last_job=self.last_job,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many datums a job has, by outcome."""

    total: int = 0
    processed: int = 0
    skipped: int = 0
    recovered: int = 0
    failed: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every datum has an outcome."""
        return self.processed + self.skipped + self.recovered + self.failed == self.total


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of a pipeline for one change. ``pins`` are the commits it reads."""

    pipeline: PipelineKey
    id: CommitId
    version: int
    output: BranchKey
    state: JobState
    reason: str
    created: datetime
    started: datetime | None
    finished: datetime | None
    counts: Counts
    owner: str | None
    lease_until: datetime | None
    plan: str | None
    manifest: str | None
    pins: tuple[CommitPin, ...]

    @property
    def has_ended(self) -> bool:
        """Whether the state is one of the four ends."""
        return self.state in ENDED_JOB_STATES

    def info(self) -> JobInfo:
        """Return what the façade shows."""
        return JobInfo(
            id=self.id,
            project=self.pipeline.project,
            pipeline=self.pipeline.name,
            version=self.version,
            output_commit=f"{self.output.repo.full}@{self.id}",
            state=self.state,
            reason=self.reason,
            created=self.created,
            started=self.started,
            finished=self.finished,
            total=self.counts.total,
            processed=self.counts.processed,
            skipped=self.counts.skipped,
            recovered=self.counts.recovered,
            failed=self.counts.failed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened. Numbers have no gaps and are in commit order."""

    number: int
    kind: str
    at: datetime
    project: str
    repo: str | None
    branch: str | None
    commit: CommitId | None
    pipeline: str | None
    state: str | None
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A named claim; nobody holds it any more after ``until``."""

    name: str
    owner: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTransaction:
    """What was asked for so far under one change id; ``requests`` are the caller's own words."""

    id: CommitId
    started: datetime
    requests: tuple[Mapping[str, object], ...]

"""The tables, as sqlmodel classes with a MetaData of their own.

Invariants: a repo, branch or pipeline is named by one text column (see keys.py); times are aware
UTC with microseconds on both engines; ``number`` columns come from the one sequence of events, so
they order commits, jobs and events alike. A change here needs a migration (a test compares both).
Must not know: verbs. No row leaves this room.
"""

from datetime import UTC, datetime
from typing import Any, Final, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Index,
    MetaData,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy import Table as SqlTable
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

__all__ = [
    "ACTIVE_STATES",
    "IS_ACTIVE",
    "METADATA",
    "branches",
    "commit_provenance",
    "commits",
    "defaults",
    "deltas",
    "events",
    "jobs",
    "leases",
    "pipeline_versions",
    "pipelines",
    "projects",
    "provenance",
    "repos",
    "transactions",
    "triggers",
    "user_specs",
]

ACTIVE_STATES: Final = ("created", "starting", "running", "egressing", "finishing")
"""States of a job that has not ended; the partial index below has the same words."""

_ACTIVE_SQL: Final = "state IN ('created', 'starting', 'running', 'egressing', 'finishing')"


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time with microseconds; SQLite keeps it without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the driver UTC, naive where the engine knows no zones."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware time in UTC, whatever the session's zone is."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Row(SQLModel, registry=registry(metadata=METADATA)):
    """Base of all tables: our own MetaData, so that Airflow's or a user's tables never mix in."""


class ProjectRow(Row, table=True):
    """A namespace."""

    __tablename__ = "pfs_project"

    name: str = Field(primary_key=True)
    description: str = Field(default="", sa_type=Text)
    created: datetime = Field(sa_type=UtcTime)


class RepoRow(Row, table=True):
    """A repo; ``key`` is ``project/name``."""

    __tablename__ = "pfs_repo"

    key: str = Field(primary_key=True)
    project: str = Field(foreign_key="pfs_project.name", index=True)
    description: str = Field(default="", sa_type=Text)
    created: datetime = Field(sa_type=UtcTime)


class BranchRow(Row, table=True):
    """A name that moves. ``head`` and ``open_commit`` are commit ids of the same repo."""

    __tablename__ = "pfs_branch"

    key: str = Field(primary_key=True)
    repo: str = Field(foreign_key="pfs_repo.key", index=True)
    head: str | None = None
    open_commit: str | None = None
    created: datetime = Field(sa_type=UtcTime)


class ProvenanceRow(Row, table=True):
    """``branch`` declares that it depends on ``input``."""

    __tablename__ = "pfs_branch_provenance"

    branch: str = Field(primary_key=True, foreign_key="pfs_branch.key")
    input: str = Field(primary_key=True, foreign_key="pfs_branch.key", index=True)
    position: int
    propagate: bool = True


class TriggerRow(Row, table=True):
    """When ``branch`` follows ``watched``. ``ticked`` is the last cron tick that was acted upon."""

    __tablename__ = "pfs_trigger"

    branch: str = Field(primary_key=True, foreign_key="pfs_branch.key")
    watched: str = Field(foreign_key="pfs_branch.key", index=True)
    size: str | None = None
    n_commits: int | None = None
    rate: str | None = None
    cron: str | None = Field(default=None, index=True)
    needs_all: bool = False
    ticked: datetime | None = Field(default=None, sa_type=UtcTime)


class CommitRow(Row, table=True):
    """One state of a repo. ``branch`` is the name of the branch that it was made on."""

    __tablename__ = "pfs_commit"
    __table_args__ = (
        Index(None, "repo", "number"),
        Index(None, "repo", "parent"),
        Index(None, "id"),
    )

    repo: str = Field(primary_key=True, foreign_key="pfs_repo.key")
    id: str = Field(primary_key=True)
    branch: str
    parent: str | None = None
    number: int = Field(sa_type=BigInteger)
    origin: str
    state: str
    tree: str = Field(default="", sa_type=Text)
    n_files: int | None = Field(default=None, sa_type=BigInteger)
    size: int | None = Field(default=None, sa_type=BigInteger)
    message: str = Field(default="", sa_type=Text)
    error: str | None = Field(default=None, sa_type=Text)
    started: datetime = Field(sa_type=UtcTime)
    finished: datetime | None = Field(default=None, sa_type=UtcTime)
    run: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))


class CommitProvenanceRow(Row, table=True):
    """``repo@id`` read ``input_repo@input_id``, which was the head of ``input_branch``."""

    __tablename__ = "pfs_commit_provenance"
    __table_args__ = (Index(None, "input_repo", "input_id"),)

    repo: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    input_repo: str
    input_branch: str
    input_id: str


class DeltaRow(Row, table=True):
    """One delta of an open commit; ``name`` is an object's."""

    __tablename__ = "pfs_delta"

    repo: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    name: str


class PipelineRow(Row, table=True):
    """A pipeline; ``key`` is ``project/name``, also of its output repo. ``output`` is a branch."""

    __tablename__ = "pfs_pipeline"

    key: str = Field(primary_key=True)
    project: str = Field(foreign_key="pfs_project.name", index=True)
    version: int
    state: str
    reason: str = Field(default="", sa_type=Text)
    stopped: bool = False
    kind: str = Field(default="transform", sa_column_kwargs={"server_default": "transform"})
    output: str = Field(unique=True)
    memo: str | None = Field(default=None, sa_type=Text)
    created: datetime = Field(sa_type=UtcTime)


class PipelineVersionRow(Row, table=True):
    """What a pipeline was told to do at one version. Never changed."""

    __tablename__ = "pfs_pipeline_version"

    pipeline: str = Field(primary_key=True, foreign_key="pfs_pipeline.key")
    version: int = Field(primary_key=True)
    spec: str = Field(sa_type=Text)
    inputs: list[Any] = Field(sa_type=JSON)
    input_text: str = Field(sa_type=Text)
    output: str
    created: datetime = Field(sa_type=UtcTime)


class UserSpecRow(Row, table=True):
    """What the author of a pipeline's version wrote; its ``spec`` has the defaults in it."""

    __tablename__ = "pfs_user_spec"

    pipeline: str = Field(primary_key=True, foreign_key="pfs_pipeline.key")
    version: int = Field(primary_key=True)
    document: str = Field(sa_type=Text)


class DefaultsRow(Row, table=True):
    """What specs get that do not say otherwise. ``scope`` is a project, or empty for all."""

    __tablename__ = "pfs_defaults"

    scope: str = Field(primary_key=True)
    document: str = Field(sa_type=Text)


class JobRow(Row, table=True):
    """One run of a pipeline for one change; its output commit is ``pipeline@id``."""

    __tablename__ = "pfs_job"
    __table_args__ = (
        Index(None, "pipeline", "number"),
        Index(None, "id"),
        Index(
            "ix_pfs_job_active",
            "number",
            sqlite_where=_ACTIVE_SQL,
            postgresql_where=_ACTIVE_SQL,
        ),
    )

    pipeline: str = Field(primary_key=True, foreign_key="pfs_pipeline.key")
    id: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, unique=True)
    version: int
    output: str
    state: str
    reason: str = Field(default="", sa_type=Text)
    created: datetime = Field(sa_type=UtcTime)
    started: datetime | None = Field(default=None, sa_type=UtcTime)
    finished: datetime | None = Field(default=None, sa_type=UtcTime)
    total: int = Field(default=0, sa_type=BigInteger)
    processed: int = Field(default=0, sa_type=BigInteger)
    skipped: int = Field(default=0, sa_type=BigInteger)
    recovered: int = Field(default=0, sa_type=BigInteger)
    failed: int = Field(default=0, sa_type=BigInteger)
    owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=UtcTime)
    plan: str | None = Field(default=None, sa_type=Text)
    manifest: str | None = Field(default=None, sa_type=Text)


class EventRow(Row, table=True):
    """One thing that happened; ``number`` is in commit order, without gaps."""

    __tablename__ = "pfs_event"

    number: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    kind: str
    at: datetime = Field(sa_type=UtcTime)
    project: str
    repo: str | None = None
    branch: str | None = None
    commit: str | None = None
    pipeline: str | None = None
    state: str | None = None
    data: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))


class LeaseRow(Row, table=True):
    """A named claim that expires."""

    __tablename__ = "pfs_lease"

    name: str = Field(primary_key=True)
    owner: str
    until: datetime = Field(sa_type=UtcTime)


class TransactionRow(Row, table=True):
    """A named transaction that is being collected; ``requests`` are the caller's own words."""

    __tablename__ = "pfs_transaction"

    id: str = Field(primary_key=True)
    started: datetime = Field(sa_type=UtcTime)
    requests: list[Any] = Field(sa_type=JSON)


IS_ACTIVE: Final = text(f"pfs_job.{_ACTIVE_SQL}")
"""That a job has not ended, in the words of the partial index: bound values would not use it."""


def _table(row: type[Row]) -> SqlTable:
    # sqlmodel's stubs do not show what SQLAlchemy adds to every mapped class.
    return cast("SqlTable", vars(row)["__table__"])


projects: Final = _table(ProjectRow)
repos: Final = _table(RepoRow)
branches: Final = _table(BranchRow)
provenance: Final = _table(ProvenanceRow)
triggers: Final = _table(TriggerRow)
commits: Final = _table(CommitRow)
commit_provenance: Final = _table(CommitProvenanceRow)
defaults: Final = _table(DefaultsRow)
deltas: Final = _table(DeltaRow)
pipelines: Final = _table(PipelineRow)
pipeline_versions: Final = _table(PipelineVersionRow)
jobs: Final = _table(JobRow)
events: Final = _table(EventRow)
leases: Final = _table(LeaseRow)
transactions: Final = _table(TransactionRow)
user_specs: Final = _table(UserSpecRow)

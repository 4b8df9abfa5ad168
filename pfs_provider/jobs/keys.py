"""Where a job's objects lie in the store: ``jobs/<project>/<pipeline>/<job>/…``.

The layout is a format: workers of another version read it (docs/internals/jobs.md).
"""

from dataclasses import dataclass

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.ids import CommitId, parse_id
from pfs_provider.refs.names import (
    DEFAULT_PROJECT,
    PipelineKey,
    parse_pipeline_name,
    parse_project_name,
)

__all__ = ["JobRef", "parse_job_ref", "parse_pipeline_key"]


@dataclass(frozen=True, slots=True)
class JobRef:
    """Names one job, ``[project/]pipeline@id``, and its objects."""

    pipeline: PipelineKey
    id: CommitId

    def __str__(self) -> str:
        return f"{self.pipeline}@{self.id}"

    @property
    def prefix(self) -> str:
        """What all objects of the job begin with."""
        return f"jobs/{self.pipeline.project}/{self.pipeline.name}/{self.id}/"

    @property
    def plan(self) -> str:
        """The plan."""
        return self.prefix + "plan"

    def set(self, draft: str, number: int) -> str:
        """The datums of one set, as one planner cut them; only the plan's draft counts."""
        return f"{self.prefix}sets/{draft}/{number:08d}"

    @property
    def claims(self) -> str:
        """Prefix of all claims: ``claims/<set>.<epoch>``, the highest epoch holds."""
        return self.prefix + "claims/"

    def claim(self, number: int, epoch: int) -> str:
        """One claim on a set."""
        return f"{self.claims}{number:08d}.{epoch:06d}"

    @property
    def results(self) -> str:
        """Prefix of all results."""
        return self.prefix + "results/"

    def result(self, number: int) -> str:
        """The result of one set."""
        return f"{self.results}{number:08d}"

    def beat(self, incarnation: str) -> str:
        """A worker's sign of life; one of the few objects that are overwritten."""
        return f"{self.prefix}beats/{incarnation}"

    def log(self, datum: bytes, offset: int = 0) -> str:
        """The output of user code for one datum, from an offset on; overwritten while it grows."""
        start = f".{offset:019d}" if offset else ""
        return f"{self.prefix}logs/{datum.hex()}{start}"

    def restart(self, datum: str) -> str:
        """Exists from somebody's wish to have a datum restarted until its worker does that."""
        return f"{self.prefix}restarts/{datum}"

    @property
    def standing(self) -> str:
        """How a command that is kept up is, as its worker says; overwritten."""
        return self.prefix + "standing"

    @property
    def go(self) -> str:
        """Exists once a command that is to be kept up may start: the one before it has ended."""
        return self.prefix + "go"

    @property
    def stop(self) -> str:
        """Exists once the job is over for its workers."""
        return self.prefix + "stop"


def parse_pipeline_key(text: str) -> PipelineKey:
    """Return the pipeline that ``[project/]pipeline`` names. Raises ``name-illegal``."""
    project, slash, name = text.rpartition("/")
    return PipelineKey(
        parse_project_name(project) if slash else DEFAULT_PROJECT, parse_pipeline_name(name)
    )


def parse_job_ref(text: str) -> JobRef:
    """Return the job that ``[project/]pipeline@id`` names.

    Raises:
        RefusedError: ``address-illegal``, ``name-illegal`` or ``id-illegal``.
    """
    pipeline, at, number = text.partition("@")
    if not at:
        raise RefusedError(
            ErrorCode.ADDRESS_ILLEGAL,
            f"{text!r} names no job: write PIPELINE@ID (pfs list job -p {text} shows the ids)",
            address=text,
        )
    return JobRef(parse_pipeline_key(pipeline), parse_id(number))

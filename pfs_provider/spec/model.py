"""A pipeline's definition as plain values: what every room above reads.

Invariants: names are legal, globs and templates compile, every combination has at least one part,
input names are unique where one datum holds them together. A value is made by ``load_specs`` only;
``docs/reference/pipeline-spec.md`` says what each field means. Lengths of time are seconds.
Must not know: files, JSON, older shapes of a spec.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, assert_never

from pfs_provider.refs.names import DEFAULT_BRANCH, BranchKey, PipelineKey, RepoKey

__all__ = [
    "NO_INPUT",
    "CronInput",
    "CrossInput",
    "DatumSets",
    "Egress",
    "Gpu",
    "GroupInput",
    "Input",
    "InputTrigger",
    "JoinInput",
    "Metadata",
    "ParallelismSpec",
    "PfsInput",
    "PipelineSpec",
    "Resources",
    "SchedulingSpec",
    "Secret",
    "SecretRef",
    "Service",
    "Spout",
    "SqlEgress",
    "SqlFileFormat",
    "Toleration",
    "Transform",
    "UnionInput",
    "iter_parts",
    "pfs_inputs",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputTrigger:
    """When commits on ``branch`` reach the branch that the pipeline reads."""

    branch: str = ""
    all: bool = False
    rate_limit_spec: str = ""
    size: str = ""
    commits: int = 0
    cron_spec: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PfsInput:
    """Files of one branch, cut into datums by ``glob``. ``name`` is the folder below ``/pfs``."""

    name: str
    project: str
    repo: str
    branch: str = DEFAULT_BRANCH
    glob: str
    join_on: str = ""
    outer_join: bool = False
    group_by: str = ""
    lazy: bool = False
    empty_files: bool = False
    s3: bool = False
    reference: bool = False
    propagate: bool = True
    trigger: InputTrigger | None = None

    @property
    def repo_key(self) -> RepoKey:
        """The repo that is read."""
        return RepoKey(self.project, self.repo)

    @property
    def branch_key(self) -> BranchKey:
        """The branch that is read."""
        return BranchKey(self.repo_key, self.branch)


@dataclass(frozen=True, slots=True, kw_only=True)
class CronInput:
    """Ticks of a clock: empty files, named by their time, in a repo of the pipeline's own."""

    name: str
    project: str
    repo: str
    spec: str
    start: datetime | None = None
    overwrite: bool = False
    catchup: str = "all"
    """What becomes of ticks that nobody was there to put: ``all``, ``latest`` or ``skip``."""

    @property
    def files(self) -> PfsInput:
        """The ticks as an ordinary input."""
        return PfsInput(name=self.name, project=self.project, repo=self.repo, glob="/*")


@dataclass(frozen=True, slots=True)
class CrossInput:
    """Every combination of the parts' datums."""

    parts: tuple["Input", ...]


@dataclass(frozen=True, slots=True)
class UnionInput:
    """The datums of each part."""

    parts: tuple["Input", ...]


@dataclass(frozen=True, slots=True)
class JoinInput:
    """Every combination of the parts' datums with the same ``join_on`` key."""

    parts: tuple["Input", ...]


@dataclass(frozen=True, slots=True)
class GroupInput:
    """One datum for each ``group_by`` key, holding all files of all parts with that key."""

    parts: tuple["Input", ...]


Input = PfsInput | CronInput | CrossInput | UnionInput | JoinInput | GroupInput

NO_INPUT = CrossInput(())
"""Of a spout, which reads nothing; no other pipeline may have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One key of a secret, as a file below ``mount_path``, as ``env_var``, or both."""

    name: str
    key: str = ""
    mount_path: str = ""
    env_var: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """The user code and how it is called. ``stdin`` lines get a newline each."""

    image: str = ""
    cmd: tuple[str, ...]
    stdin: tuple[str, ...] = ()
    err_cmd: tuple[str, ...] = ()
    err_stdin: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()
    image_pull_secrets: tuple[str, ...] = ()
    accept_return_code: tuple[int, ...] = ()
    debug: bool = False
    user: str | None = None
    working_dir: str | None = None
    dockerfile: str = ""
    memory_volume: bool = False
    datum_batching: bool = False
    python_batching: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelismSpec:
    """At most so many workers at a time."""

    constant: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DatumSets:
    """How datums are put together into sets; all zero leaves it to the planner.

    ``number``: datums a set; ``size_bytes``: a set ends where it reaches that many bytes;
    ``per_worker``: sets for each worker, excludes the other two.
    """

    number: int = 0
    size_bytes: int = 0
    per_worker: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """So many devices of a type, for instance ``nvidia.com/gpu``."""

    type: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Quantities as Kubernetes writes them; ``""`` is not set."""

    cpu: str = ""
    memory: str = ""
    gpu: Gpu | None = None
    disk: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Put on the pods and services of the pipeline."""

    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlFileFormat:
    """How the output files of a SQL egress are written."""

    type: Literal["CSV", "JSON"]
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRef:
    """One key of a secret."""

    name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlEgress:
    """Each top-level folder of the output replaces one table. SQLite has no password."""

    url: str
    file_format: SqlFileFormat
    secret: SecretRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """Where the output is copied to: an object store's URL, or a database."""

    url: str = ""
    sql_database: SqlEgress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A server that is restarted on each new job."""

    internal_port: int
    external_port: int = 0
    ip: str = ""
    type: str = "NodePort"
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spout:
    """A command that is kept up and commits by itself; ``service`` is what it listens on.

    Up to 1.11 it wrote tar archives into ``/pfs/out``, each of them a commit: with ``overwrite`` a
    file replaces the one of its name, and files below ``marker`` are kept apart for its next start.
    """

    service: Service | None = None
    overwrite: bool | None = None
    marker: str = ""

    @property
    def is_old(self) -> bool:
        """Whether it is surely of the old kind, which commits through ``/pfs/out`` alone."""
        return bool(self.marker) or self.overwrite is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulingSpec:
    """Which nodes the pods may run on."""

    node_selector: Mapping[str, str] = field(default_factory=dict)
    priority_class_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toleration:
    """A node's taint that the pods put up with, in Kubernetes' words."""

    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""
    toleration_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSpec:
    """One pipeline. Two specs that mean the same are equal, whatever shape they were written in."""

    key: PipelineKey
    description: str = ""
    metadata: Metadata = Metadata()
    transform: Transform
    parallelism_spec: ParallelismSpec = ParallelismSpec()
    egress: Egress | None = None
    input: Input = NO_INPUT
    output_branch: str = DEFAULT_BRANCH
    s3_out: bool = False
    resource_requests: Resources = Resources()
    resource_limits: Resources = Resources()
    sidecar_resource_requests: Resources = Resources()
    sidecar_resource_limits: Resources = Resources()
    datum_set: DatumSets = DatumSets()
    datum_timeout_s: float | None = None
    datum_tries: int = 3
    job_timeout_s: float | None = None
    reprocess_spec: Literal["until_success", "every_job"] = "until_success"
    reprocess_on_code_change: bool = True
    output_conflict: Literal["fail", "overwrite", "concat"] = "fail"
    salt: str = ""
    service: Service | None = None
    spout: Spout | None = None
    scheduling_spec: SchedulingSpec = SchedulingSpec()
    tolerations: tuple[Toleration, ...] = ()
    pod_spec: str = ""
    pod_patch: str = ""
    autoscaling: bool = False
    determined: Mapping[str, object] = field(default_factory=dict)
    maximum_expected_uptime_s: float | None = None

    @property
    def kind(self) -> Literal["transform", "service", "spout"]:
        """What is done with the command: run for each datum, or kept up."""
        if self.spout is not None:
            return "spout"
        return "transform" if self.service is None else "service"

    @property
    def listens(self) -> Service | None:
        """What the command listens on, if it stands and says so."""
        return self.service if self.spout is None else self.spout.service

    @property
    def parallelism(self) -> int:
        """At most so many workers at a time, 1 or more."""
        return self.parallelism_spec.constant

    @property
    def output(self) -> BranchKey:
        """The branch that jobs write to."""
        return BranchKey(self.key.repo, self.output_branch)


def iter_parts(node: Input) -> tuple[Input, ...]:
    """Return the direct parts of an input; none of a pfs or cron input."""
    match node:
        case PfsInput() | CronInput():
            return ()
        case CrossInput(parts) | UnionInput(parts) | JoinInput(parts) | GroupInput(parts):
            return parts
        case _:
            assert_never(node)


def pfs_inputs(node: Input) -> Iterator[PfsInput]:
    """Yield what is read, in the order of the spec; a cron input as the files of its repo."""
    if isinstance(node, PfsInput):
        yield node
    elif isinstance(node, CronInput):
        yield node.files
    for part in iter_parts(node):
        yield from pfs_inputs(part)

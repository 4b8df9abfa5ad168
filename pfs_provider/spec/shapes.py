"""The tables: every field of a 2.x pipeline spec, its kind, and what it means in one line.

The reader, the normalised document, the published JSON Schema and the reference page are made of
these. ``inert`` marks what is known but has no effect yet: reading it warns.
Must not know: older shapes (legacy.py), rules that span several fields (refusals.py).
"""

from dataclasses import dataclass
from typing import cast

from pfs_provider.errors import PfsError
from pfs_provider.refs.names import (
    DEFAULT_PROJECT,
    PipelineKey,
    parse_pipeline_name,
    parse_project_name,
)
from pfs_provider.spec.egress_shape import EGRESS
from pfs_provider.spec.inputs import INPUT
from pfs_provider.spec.kinds import (
    Deferred,
    Duration,
    Flag,
    JsonText,
    ListOf,
    MapOf,
    Number,
    OneOf,
    Raw,
    Words,
)
from pfs_provider.spec.model import (
    DatumSets,
    Metadata,
    ParallelismSpec,
    PipelineSpec,
    SchedulingSpec,
)
from pfs_provider.spec.pod_shapes import RESOURCES, SERVICE, SPOUT, TOLERATION
from pfs_provider.spec.shape import Field, Shape
from pfs_provider.spec.spots import Schema, Spot
from pfs_provider.spec.transform_shape import TRANSFORM

__all__ = ["FLAGS", "SPEC", "write_spec"]


@dataclass(frozen=True, slots=True)
class _Name:
    """A pipeline's name as written."""

    name: str
    project: str = ""


@dataclass(frozen=True, slots=True)
class _ProjectKind:
    """A project: its name, or an object that holds it, as newer clients write."""

    def read(self, value: object, at: Spot) -> str:
        """Return the name."""
        if isinstance(value, dict) and set(value) == {"name"}:
            value, at = value["name"], at.child("name")
        return Words("default").read(value, at)

    def write(self, value: object) -> object:
        """Return the name."""
        return value

    def schema(self) -> Schema:
        """Return the JSON Schema."""
        named = {"type": "object", "properties": {"name": {"type": "string"}}}
        return {"anyOf": [{"type": "string"}, named]}


_NAME = Shape(
    _Name,
    (
        Field(
            "name",
            Words("edges"),
            "Also the output repo's.",
            missing='name it, as in "name": "edges"',
        ),
        Field("project", _ProjectKind(), "The project; default by default."),
    ),
)


@dataclass(frozen=True, slots=True)
class _KeyKind:
    """The pipeline's name and project. Later fields take their defaults from it."""

    def read(self, value: object, at: Spot) -> PipelineKey:
        """Return the key, and note it for the fields that follow."""
        given = _NAME.read(value, at)
        try:
            name = parse_pipeline_name(given.name)
        except PfsError as error:
            at.child("name").refuse_because(error)
        try:
            project = parse_project_name(given.project or DEFAULT_PROJECT)
        except PfsError as error:
            at.child("project").refuse_because(error)
        at.notes.key = PipelineKey(project, name)
        return at.notes.key

    def write(self, value: object) -> object:
        """Return the JSON object."""
        return _NAME.write(value)

    def schema(self) -> Schema:
        """Return the JSON Schema."""
        return _NAME.schema()


SPEC: Shape[PipelineSpec] = Shape(
    PipelineSpec,
    (
        Field(
            "pipeline",
            _KeyKind(),
            "Name and project.",
            attribute="key",
            missing='name it, as in "pipeline": {"name": "edges"}',
        ),
        Field("description", Words(), "For people."),
        Field(
            "metadata",
            Shape(
                Metadata,
                (
                    Field("annotations", MapOf(Words()), "Annotations."),
                    Field("labels", MapOf(Words()), "Labels."),
                ),
            ),
            "Put on pods and services.",
        ),
        Field("tf_job", Deferred("run the training as an ordinary transform"), "Not supported."),
        Field(
            "transform",
            TRANSFORM,
            "The user code.",
            missing='say what to run, as in "transform": {"cmd": ["python3", "/edges.py"]}',
        ),
        Field(
            "parallelism_spec",
            Shape(
                ParallelismSpec,
                (Field("constant", Number(low=1, high=10_000), "At most so many workers."),),
            ),
            "How many workers.",
        ),
        Field("egress", EGRESS, "Copies the output elsewhere."),
        Field("spout", SPOUT, "Keep the command up; it commits by itself and has no input."),
        Field("input", INPUT, "What is read, and how it is cut into datums; none for a spout."),
        Field("output_branch", Words("master"), "Branch that jobs write to; master by default."),
        Field("s3_out", Flag(), "Give a write-only bucket instead of /pfs/out."),
        Field("resource_requests", RESOURCES, "What the user container asks for."),
        Field("resource_limits", RESOURCES, "What the user container may use."),
        Field("sidecar_resource_requests", RESOURCES, "What the storage sidecar asks for."),
        Field("sidecar_resource_limits", RESOURCES, "What the storage sidecar may use."),
        Field(
            "datum_set_spec",
            Shape(
                DatumSets,
                (
                    Field("number", Number(low=1), "Datums a set."),
                    Field(
                        "size_bytes", Number(low=1), "A set ends where it reaches so many bytes."
                    ),
                    Field(
                        "per_worker", Number(low=1), "Sets for each worker; excludes the others."
                    ),
                ),
            ),
            "How datums are handed out together.",
            attribute="datum_set",
        ),
        Field(
            "datum_timeout", Duration(), "For one try of one datum.", attribute="datum_timeout_s"
        ),
        Field(
            "datum_tries",
            Number(low=1, high=1000),
            "Tries of one datum, the first included; 3 by default.",
        ),
        Field(
            "job_timeout",
            Duration(),
            "For a whole job, which is then killed.",
            attribute="job_timeout_s",
        ),
        Field(
            "reprocess_spec",
            OneOf(("until_success", "every_job")),
            "every_job: process every datum in every job.",
        ),
        Field(
            "reprocess_on_code_change",
            Flag(),
            "false: a change of the code keeps old results, as in Pachyderm.",
        ),
        Field(
            "output_conflict",
            OneOf(("fail", "overwrite", "concat")),
            "What happens when two datums write one path; fail by default.",
        ),
        Field("salt", Words(), "Part of every datum's key."),
        Field(
            "service",
            SERVICE,
            "Keep the command up: it serves the one datum, and starts again with each new job.",
        ),
        Field(
            "scheduling_spec",
            Shape(
                SchedulingSpec,
                (
                    Field("node_selector", MapOf(Words()), "Labels of the nodes."),
                    Field("priority_class_name", Words("high"), "Priority class of the pods."),
                ),
            ),
            "Where pods run.",
        ),
        Field("tolerations", ListOf(TOLERATION), "Taints that pods put up with."),
        Field("pod_spec", JsonText("an object"), "Merge patch of the pod; deprecated."),
        Field("pod_patch", JsonText("a list"), "JSON patch of the pod."),
        Field(
            "autoscaling",
            Flag(),
            "Scale with the work.",
            inert="workers live as long as there is work anyhow",
        ),
        Field("determined", Raw(), "Determined workspaces.", inert="there is no such integration"),
        Field(
            "maximum_expected_uptime",
            Duration(),
            "Alert only.",
            attribute="maximum_expected_uptime_s",
            inert="your scheduler alerts",
        ),
    ),
)

FLAGS = ("update", "reprocess", "dry_run")
"""Fields of a request that may stand in a spec file."""


def write_spec(spec: PipelineSpec) -> dict[str, object]:
    """Return the normalised 2.x document of a spec; it loads to an equal spec, without warnings."""
    return cast("dict[str, object]", SPEC.write(spec))

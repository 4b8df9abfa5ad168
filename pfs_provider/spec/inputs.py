"""Reads the ``input`` of a spec: exactly one kind of input, which may hold others.

Invariant: the value is complete: names, projects and repos that were left out are filled in.
Must not know: older shapes (they were made modern before), rules that span several fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pfs_provider.errors import PfsError
from pfs_provider.refs.names import (
    DEFAULT_BRANCH,
    parse_branch_name,
    parse_project_name,
    parse_repo_name,
)
from pfs_provider.spec.kinds import Deferred, Flag, Moment, Number, OneOf, Words
from pfs_provider.spec.model import (
    CronInput,
    CrossInput,
    GroupInput,
    Input,
    InputTrigger,
    JoinInput,
    PfsInput,
    UnionInput,
)
from pfs_provider.spec.shape import Field, Shape, snake, suggest
from pfs_provider.spec.spots import Schema, Spot, describe

__all__ = ["CRON", "INPUT", "PFS", "TRIGGER", "InputKind"]

MAX_NESTING = 16
"""Inputs inside inputs; a reader gives up long before."""
MAX_LEAVES = 1000
"""Repos that one pipeline reads. Keeps a YAML file with nested aliases from exploding."""

TRIGGER = Shape(
    InputTrigger,
    (
        Field("branch", Words("staging"), "The branch to follow; master by default."),
        Field("all", Flag(), "All conditions have to hold, instead of one of them."),
        Field(
            "rate_limit_spec",
            Words("@hourly"),
            "At most once between two ticks of this cron expression.",
        ),
        Field("size", Words("100M"), "So much was added; 1K is 1000 bytes."),
        Field("commits", Number(low=1), "So many commits were made."),
        Field("cron_spec", Words("@daily"), "At each tick; excludes the other conditions."),
    ),
)


@dataclass(frozen=True, slots=True)
class _Pfs:
    """A pfs input as written: what is empty is filled in by the reader."""

    repo: str
    project: str = ""
    branch: str = ""
    name: str = ""
    glob: str | None = None
    join_on: str = ""
    outer_join: bool = False
    group_by: str = ""
    lazy: bool = False
    empty_files: bool = False
    s3: bool = False
    reference: bool = False
    propagation_spec: str = ""
    trigger: InputTrigger | None = None
    repo_type: str = ""
    commit: None = None


PFS = Shape(
    _Pfs,
    (
        Field(
            "repo",
            Words("images"),
            "The repo to read.",
            missing='name the repo, as in "repo": "images"',
        ),
        Field("project", Words("default"), "Its project; the pipeline's own by default."),
        Field(
            "branch",
            Words("master"),
            "The branch to read; master by default, one of the pipeline's own with a trigger.",
        ),
        Field("name", Words("images"), "The folder below /pfs; the repo's name by default."),
        Field("glob", Words("/*"), "Cuts the repo into datums; see globs.md."),
        Field("join_on", Words("$1"), "In a join: the key, a template over the glob's groups."),
        Field("outer_join", Flag(), "In a join: files without a partner give datums too."),
        Field("group_by", Words("$1"), "In a group: the key, a template over the glob's groups."),
        Field(
            "lazy",
            Flag(),
            "Fetch a file when the code opens it.",
            inert="every file of the datum is there before the code starts",
        ),
        Field("empty_files", Flag(), "Give the code empty files with the right names."),
        Field("s3", Flag(), "Give a read-only bucket instead of files; the glob has to be /."),
        Field(
            "reference",
            Flag(),
            "A change of its content does not cause datums to be processed again.",
        ),
        Field("propagation_spec", OneOf(("always", "never")), "never: commits here start no job."),
        Field("trigger", TRIGGER, "When commits of another branch reach the one that is read."),
        Field("repo_type", OneOf(("user",)), "Always user."),
        Field(
            "commit",
            Deferred(
                "an input follows a branch; pin one with: "
                "pfs create branch REPO@pinned --head REPO@COMMIT"
            ),
            "Not supported: inputs follow branches.",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class _Cron:
    """A cron input as written."""

    name: str
    spec: str
    repo: str = ""
    project: str = ""
    start: datetime | None = None
    overwrite: bool = False
    catchup: str = "all"
    commit: None = None


CRON = Shape(
    _Cron,
    (
        Field(
            "name", Words("tick"), "The folder below /pfs.", missing='name it, as in "name": "tick"'
        ),
        Field(
            "spec",
            Words("@daily"),
            "Cron expression, or @every 10m.",
            missing='write when it ticks, as in "spec": "@daily" or "0 6 * * *"',
        ),
        Field("repo", Words("tick"), "The repo of the ticks; PIPELINE_NAME by default."),
        Field("project", Words("default"), "The pipeline's own."),
        Field("start", Moment(), "Catch up from here; the pipeline's creation by default."),
        Field("overwrite", Flag(), "Each tick removes the ones before."),
        Field(
            "catchup",
            OneOf(("all", "latest", "skip")),
            "Of ticks that were missed: all of them (the default), the latest, or none.",
        ),
        Field("commit", Deferred("an input follows its branch"), "Not supported."),
    ),
)

_Combined = CrossInput | UnionInput | JoinInput | GroupInput
_COMBINED: dict[str, type[_Combined]] = {
    "cross": CrossInput,
    "union": UnionInput,
    "join": JoinInput,
    "group": GroupInput,
}
_KINDS = {"pfs", "cron", *_COMBINED}


@dataclass(frozen=True, slots=True)
class InputKind:
    """One input of any kind."""

    def read(self, value: object, at: Spot) -> Input:
        """Return the input. Raises RefusedError ``spec-illegal``, naming the field."""
        example = 'write one, as in {"pfs": {"repo": "images", "glob": "/*"}}'
        if not isinstance(value, Mapping):
            return at.refuse(f"is {describe(value)}, but an object is wanted: {example}")
        given = {
            snake(str(key)): (str(key), item) for key, item in value.items() if item is not None
        }
        for name, (key, _) in given.items():
            if name not in _KINDS:
                self._refuse_kind(name, at.child(key))
        if len(given) != 1:
            problem = f"has {len(given)} kinds ({', '.join(given)})" if given else "is empty"
            return at.refuse(f"{problem}, but exactly one is wanted: {example}")
        ((name, (_, body)),) = given.items()
        spot = at.child(name)
        if name == "pfs":
            return _fill_pfs(PFS.read(body, spot), spot)
        if name == "cron":
            return _fill_cron(CRON.read(body, spot), spot)
        return _COMBINED[name](self._read_parts(body, spot))

    def write(self, value: object) -> object:
        """Return the JSON object of an input."""
        if isinstance(value, PfsInput):
            spec = "" if value.propagate else "never"
            return {"pfs": {**_written(PFS, value), **({"propagation_spec": spec} if spec else {})}}
        if isinstance(value, CronInput):
            return {"cron": _written(CRON, value)}
        for name, kind in _COMBINED.items():
            if isinstance(value, kind):
                return {name: [self.write(part) for part in value.parts]}
        return {}

    def schema(self) -> Schema:
        """Return the JSON Schema; parts refer back to it."""
        part: Schema = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/input"}}
        return {
            "type": "object",
            "properties": {
                "pfs": PFS.schema(),
                "cron": CRON.schema(),
                **dict.fromkeys(_COMBINED, part),
            },
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }

    def _read_parts(self, body: object, at: Spot) -> tuple[Input, ...]:
        if not isinstance(body, list | tuple) or not body:
            return at.refuse(
                f"is {describe(body)}, but a list of inputs is wanted, "
                'as in [{"pfs": …}, {"pfs": …}]'
            )
        if at.path.count("[") >= MAX_NESTING:
            return at.refuse(f"is nested deeper than {MAX_NESTING}: simplify the input")
        return tuple(self.read(part, at.item(index)) for index, part in enumerate(body))

    def _refuse_kind(self, name: str, at: Spot) -> None:
        if name == "git":
            at.refuse(
                "is not supported: commit a checkout from a scheduler's task (pfs put file -r), "
                "and read that repo"
            )
        if name in {known.name for known in PFS.fields}:
            at.refuse('stands too high: write "input": {"pfs": {' + f'"{name}": …' + "}}")
        at.refuse(f"is no known kind of input{suggest(name, _KINDS)}")


INPUT = InputKind()


def _written(shape: Shape[object], value: object) -> dict[str, object]:
    written = shape.write(value)
    return written if isinstance(written, dict) else {}


def _fill_pfs(given: _Pfs, at: Spot) -> PfsInput:
    _count(at)
    if given.glob is None and not given.s3:
        at.child("glob").refuse(
            'is missing: write how the repo is cut, as in "/" for one datum of all, '
            '"/*" for one of each entry'
        )
    project, repo = _project(given.project, at), _repo(given.repo, at)
    branch, trigger = given.branch, given.trigger
    if trigger is not None:
        branch = branch or _own_branch(f"{project}/{repo}", at)
        trigger = replace(trigger, branch=trigger.branch or DEFAULT_BRANCH)
    return PfsInput(
        name=given.name or given.repo,
        project=project,
        repo=repo,
        branch=_branch(branch, at),
        glob="/" if given.glob is None else given.glob,
        join_on=given.join_on,
        outer_join=given.outer_join,
        group_by=given.group_by,
        lazy=given.lazy,
        empty_files=given.empty_files,
        s3=given.s3,
        reference=given.reference,
        propagate=given.propagation_spec != "never",
        trigger=trigger,
    )


def _own_branch(repo: str, at: Spot) -> str:
    """Return the name of the next branch that the pipeline has in a repo for its triggers."""
    number = at.notes.n_triggers.get(repo, 0) + 1
    at.notes.n_triggers[repo] = number
    return f"{at.notes.key.name}-trigger-{number}"


def _fill_cron(given: _Cron, at: Spot) -> CronInput:
    _count(at)
    return CronInput(
        name=given.name,
        project=_project(given.project, at),
        repo=_repo(given.repo or f"{at.notes.key.name}_{given.name}", at),
        spec=given.spec,
        start=given.start,
        overwrite=given.overwrite,
        catchup=given.catchup,
    )


def _count(at: Spot) -> None:
    at.notes.n_inputs += 1
    if at.notes.n_inputs > MAX_LEAVES:
        at.refuse(f"is one input too many: a pipeline has at most {MAX_LEAVES}")


def _project(text: str, at: Spot) -> str:
    if not text:
        return at.notes.key.project
    try:
        return parse_project_name(text)
    except PfsError as error:
        at.child("project").refuse_because(error)


def _repo(text: str, at: Spot) -> str:
    try:
        return parse_repo_name(text)
    except PfsError as error:
        if "/" in text or "@" in text:
            at.child("repo").refuse(
                f'is "{text}", but a name alone is wanted: a project goes into "project", '
                'a branch into "branch"'
            )
        at.child("repo").refuse_because(error)


def _branch(text: str, at: Spot) -> str:
    try:
        return parse_branch_name(text or DEFAULT_BRANCH)
    except PfsError as error:
        at.child("branch").refuse_because(error)

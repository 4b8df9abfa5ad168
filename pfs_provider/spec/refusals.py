"""Rules of a spec that span several fields: what is refused although every field is well formed.

Invariant: a spec that passes can be planned; what remains to be seen is whether its repos exist.
Must not know: files, JSON, catalogs.
"""

import re
from collections.abc import Iterator

from pfs_provider.errors import PfsError
from pfs_provider.refs.globs import Glob, compile_glob
from pfs_provider.refs.names import parse_branch_name, parse_repo_name
from pfs_provider.refs.templates import parse_template
from pfs_provider.spec.crons import check_cron
from pfs_provider.spec.model import (
    CronInput,
    CrossInput,
    GroupInput,
    Input,
    InputTrigger,
    JoinInput,
    PfsInput,
    PipelineSpec,
    Transform,
    UnionInput,
    iter_parts,
    pfs_inputs,
)
from pfs_provider.spec.spots import Spot
from pfs_provider.spec.standing import check_standing

__all__ = ["check_spec"]

RESERVED_NAME = "out"
"""Folder below ``/pfs`` that collects the output."""
_SIZE = re.compile(r"[0-9]+(\.[0-9]+)?\s*([KMGTP]i?)?B?", re.IGNORECASE)
_WORDS = {CrossInput: "cross", UnionInput: "union", JoinInput: "join", GroupInput: "group"}


def check_spec(spec: PipelineSpec, at: Spot) -> None:
    """Return if the spec can be planned; warnings go to ``at``.

    Raises:
        RefusedError: ``spec-illegal``, with the field and the way out.
    """
    _check_transform(spec, at)
    _check_output(spec, at)
    _check_scheduling(spec, at)
    check_standing(spec, at)
    for node, spot in _walk(spec.input, at.child("input")):
        _check_node(node, spot, spec)
    _names(spec.input, at.child("input"))


def _check_transform(spec: PipelineSpec, at: Spot) -> None:
    transform, spot = spec.transform, at.child("transform")
    if not transform.cmd or not transform.cmd[0]:
        spot.child("cmd").refuse(
            'is empty: write the command as a list of words, as in ["python3", "/edges.py"]'
        )
    if transform.err_stdin and not transform.err_cmd:
        spot.child("err_stdin").refuse("needs err_cmd, the command that reads it")
    if transform.python_batching:
        _check_program(transform, spot)
    for name in transform.env:
        if not name or "=" in name:
            spot.child("env").refuse(f"has the name {name!r}: it may not be empty or hold '='")
    for index, secret in enumerate(transform.secrets):
        where = spot.child("secrets").item(index)
        if not secret.mount_path and not secret.env_var:
            where.refuse("has neither mount_path nor env_var: say where the code finds it")
        if secret.env_var and not secret.key:
            where.refuse("has env_var but no key: name the key whose value the variable gets")


def _check_program(transform: Transform, at: Spot) -> None:
    spot = at.child("python_batching")
    if transform.cmd[-1] != "-" or not transform.stdin:
        spot.refuse(
            'is for a Python program in stdin: write "cmd": ["python3", "-"], or leave it out'
        )
    if transform.datum_batching:
        spot.refuse("is for a program that does not ask for its datums: leave datum_batching out")
    if transform.accept_return_code:
        spot.refuse("has no codes that a run could end with: leave accept_return_code out")


def _check_output(spec: PipelineSpec, at: Spot) -> None:
    try:
        parse_branch_name(spec.output_branch)
    except PfsError as error:
        at.child("output_branch").refuse_because(error)
    sets = spec.datum_set
    if sets.per_worker and (sets.number or sets.size_bytes):
        at.child("datum_set_spec").refuse("has per_worker and another field: keep one of them")
    if spec.egress is not None and bool(spec.egress.url) == (spec.egress.sql_database is not None):
        at.child("egress").refuse("wants exactly one of url and sql_database")
    sql = None if spec.egress is None else spec.egress.sql_database
    if sql is not None and sql.secret is None and not sql.url.startswith("sqlite"):
        spot = at.child("egress").child("sql_database").child("secret")
        spot.refuse('is missing: write "secret": {"name": …, "key": …}')


def _check_scheduling(spec: PipelineSpec, at: Spot) -> None:
    for index, toleration in enumerate(spec.tolerations):
        spot = at.child("tolerations").item(index)
        if toleration.operator == "Exists" and toleration.value:
            spot.child("value").refuse("has no meaning with Exists: leave it out, or write Equal")
        if not toleration.key and toleration.operator != "Exists":
            spot.child("key").refuse('is missing: name the taint, or write "operator": "Exists"')


def _walk(node: Input, at: Spot, *, inside: tuple[str, ...] = ()) -> Iterator[tuple[Input, Spot]]:
    """Yield every input with its spot; refuse s3 inputs where they cannot be."""
    if isinstance(node, PfsInput):
        spot = at.child("pfs")
        wrong = next((word for word in inside if word != "cross"), None)
        if node.s3 and wrong:
            spot.child("s3").refuse(
                f"cannot be true inside a {wrong}: an s3 input stands alone or in a cross"
            )
        if node.join_on and "join" not in inside:
            spot.child("join_on").warn("has no effect outside of a join")
        if node.group_by and "group" not in inside:
            spot.child("group_by").warn("has no effect outside of a group")
        yield node, spot
        return
    if isinstance(node, CronInput):
        yield node, at.child("cron")
        return
    word = _WORDS[type(node)]
    spot = at.child(word)
    yield node, spot
    for index, part in enumerate(iter_parts(node)):
        yield from _walk(part, spot.item(index), inside=(*inside, word))


def _check_node(node: Input, at: Spot, spec: PipelineSpec) -> None:
    match node:
        case PfsInput():
            _check_pfs(node, at, spec)
        case CronInput():
            _check_cron_input(node, at, spec)
        case JoinInput(parts):
            _check_join(parts, at)
        case GroupInput(parts):
            _check_keys(parts, at, attribute="group_by")
        case CrossInput() | UnionInput():
            pass


def _check_pfs(node: PfsInput, at: Spot, spec: PipelineSpec) -> None:
    _check_name(node.name, at)
    if node.repo_key == spec.key.repo:
        at.child("repo").refuse("is the pipeline's own output: a pipeline cannot read itself")
    try:
        glob = compile_glob(node.glob)
    except PfsError as error:
        at.child("glob").refuse_because(error)
    for field, text in (("join_on", node.join_on), ("group_by", node.group_by)):
        _check_template(text, glob, at.child(field))
    if node.s3:
        _check_s3(node, glob, at)
    if node.trigger is not None:
        _check_trigger(node.trigger, node.branch, at.child("trigger"))


def _check_s3(node: PfsInput, glob: Glob, at: Spot) -> None:
    if glob.text != "/":
        at.child("glob").refuse(
            f'is "{node.glob}", but an s3 input is one datum: write "/", or leave it out'
        )
    for field, given in (("lazy", node.lazy), ("empty_files", node.empty_files)):
        if given:
            at.child(field).refuse(
                "cannot be true for an s3 input, which has no files: leave it out"
            )


def _check_template(text: str, glob: Glob, at: Spot) -> None:
    try:
        parse_template(text, n_groups=glob.n_groups)
    except PfsError as error:
        at.refuse_because(error)


def _check_name(name: str, at: Spot) -> None:
    try:
        parse_repo_name(name)
    except PfsError as error:
        at.child("name").refuse_because(error)
    if name == RESERVED_NAME:
        at.child("name").refuse('is "out", which is the folder of the output: write another "name"')


def _check_cron_input(node: CronInput, at: Spot, spec: PipelineSpec) -> None:
    _check_name(node.name, at)
    check_cron(node.spec, at.child("spec"))
    if node.files.repo_key == spec.key.repo:
        at.child("repo").refuse("is the pipeline's own output: leave it out")


def _check_trigger(trigger: InputTrigger, branch: str, at: Spot) -> None:
    try:
        parse_branch_name(trigger.branch)
    except PfsError as error:
        at.child("branch").refuse_because(error)
    if trigger.branch == branch:
        at.child("branch").refuse(
            "is the branch that is read: name another to follow, or leave the input's branch out"
        )
    if trigger.size and _SIZE.fullmatch(trigger.size) is None:
        at.child("size").refuse(f'is "{trigger.size}", but a size is wanted, as in "100M"')
    for field in ("rate_limit_spec", "cron_spec"):
        if text := getattr(trigger, field):
            check_cron(text, at.child(field))
    others = (trigger.size, trigger.commits, trigger.rate_limit_spec)
    if trigger.cron_spec and any(others):
        at.child("cron_spec").refuse("excludes the other conditions: keep one of them")
    if not trigger.cron_spec and not any(others):
        at.refuse("has no condition: give size, commits, rate_limit_spec or cron_spec")


def _check_join(parts: tuple[Input, ...], at: Spot) -> None:
    leaves = [leaf for part in parts for leaf in pfs_inputs(part)]
    if any(leaf.outer_join for leaf in leaves) and not any(leaf.join_on for leaf in leaves):
        # Pachyderm takes it, and it is used: a cross of repos of which some may have nothing yet.
        at.warn('has no "join_on", so that everything is joined with everything')
    else:
        _check_keys(parts, at, attribute="join_on")


def _check_keys(parts: tuple[Input, ...], at: Spot, *, attribute: str) -> None:
    for index, part in enumerate(parts):
        if not _has_key(part, attribute):
            where = at.item(index)
            leaf = isinstance(part, PfsInput)
            spot = where.child(f"pfs.{attribute}") if leaf else where
            missing = "is missing" if leaf else f"has datums without {attribute}"
            spot.refuse(
                f"{missing}: give the key as a template over the glob's groups, "
                f'as in "glob": "/(*).csv", "{attribute}": "$1"'
            )


def _has_key(node: Input, attribute: str) -> bool:
    """Return whether every datum of the input has a key."""
    match node:
        case PfsInput():
            return bool(getattr(node, attribute))
        case CronInput():
            return False
        case UnionInput(parts):
            return all(_has_key(part, attribute) for part in parts)
        case CrossInput(parts) | JoinInput(parts) | GroupInput(parts):
            return any(_has_key(part, attribute) for part in parts)


def _names(node: Input, at: Spot) -> set[str]:
    """Return the folders that a datum of the input may have; refuse two parts with the same."""
    if isinstance(node, PfsInput | CronInput):
        return {node.name}
    found: set[str] = set()
    word = _WORDS[type(node)]
    for index, part in enumerate(iter_parts(node)):
        spot = at.child(word).item(index)
        names = _names(part, spot)
        if not isinstance(node, UnionInput) and (both := names & found):
            name = min(both)
            spot.refuse(
                f"has the name {name!r} that an input before it has: "
                f'both would be /pfs/{name}; give one of them another "name"'
            )
        found |= names
    return found

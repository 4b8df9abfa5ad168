"""Pipelines that a program brings along: made, or brought up to date, each time it runs.

Invariant: a program that brings what is there already changes nothing, whatever defaults were
merged into it since; its own description says what it was made of.
Must not know: which program, or what the pipeline does.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError
from pfs_provider.infos import PipelineInfo
from pfs_provider.jobs.keys import parse_pipeline_key

if TYPE_CHECKING:
    from pfs_provider.verbs.pipelines import PipelineVerbs

__all__ = ["input_names", "input_spec", "output_fields", "register"]


def register(
    pfs: "PipelineVerbs",
    spec: Mapping[str, Any],
    *,
    by: str,
    source: str,
    reprocess: bool = False,
) -> PipelineInfo:
    """See to it that a pipeline exists with this spec, and return it.

    Args:
        pfs: Where.
        spec: Without a description.
        by: What kind of program: a pipeline made by another, or by hand, is not changed.
        source: Which one, for people: ``dag/task``.
        reprocess: Work all datums again, also where the spec is the same.

    Raises:
        ConflictError: ``pipeline-exists``: there is one made otherwise.
        PfsError: As ``create_pipeline``.
    """
    name = _name(spec)
    digest = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]
    mark = f"Made by {by}:"
    described = {**spec, "description": f"{mark} {source} ({digest})"}
    found = _find_description(pfs, name)
    if found is None:
        try:
            return pfs.create_pipeline(described)[0]
        except ConflictError as error:
            if error.code != ErrorCode.PIPELINE_EXISTS:
                raise
            # Another program was faster, or the transaction that is open has made it.
            found = _find_description(pfs, name) or mark
    if not found.startswith(mark):
        raise ConflictError(
            ErrorCode.PIPELINE_EXISTS,
            f"{name} is a pipeline with a spec of its own: name another output",
            pipeline=name,
        )
    if reprocess or f"({digest})" not in found:
        return pfs.update_pipeline(described, reprocess=reprocess)[0]
    return pfs.inspect_pipeline(name)


def input_spec(given: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return a spec's ``input``: of a mapping as it is, of ``[project/]repo[@branch][:/glob]``.

    The glob is ``/*`` by default: every file and folder at the top is one datum.
    """
    if isinstance(given, Mapping):
        return dict(given)
    place, _, glob = given.partition(":")
    repo, _, branch = place.partition("@")
    project, _, name = repo.rpartition("/")
    fields = {"repo": name, "glob": glob or "/*"}
    fields |= {"project": project} if project else {}
    return {"pfs": fields | ({"branch": branch} if branch else {})}


def input_names(node: object) -> tuple[str, ...]:
    """Return the names of all inputs in a spec's ``input``, in their order."""
    match node:
        case {"pfs": dict(leaf)} | {"cron": dict(leaf)}:
            name = leaf.get("name") or leaf.get("repo")
            return (str(name),) if name else ()
        case dict():
            return tuple(name for part in node.values() for name in input_names(part))
        case list():
            return tuple(name for part in node for name in input_names(part))
        case _:
            return ()


def output_fields(output: str) -> dict[str, Any]:
    """Return a spec's ``pipeline`` for an output repo, ``[project/]name``."""
    key = parse_pipeline_key(output)
    return {"name": key.name, "project": {"name": key.project}}


def _name(spec: Mapping[str, Any]) -> str:
    about = spec["pipeline"]
    return f"{about['project']['name']}/{about['name']}"


def _find_description(pfs: "PipelineVerbs", name: str) -> str | None:
    try:
        return str(pfs.pipeline_spec(name).get("description", ""))
    except NotFoundError:
        return None

"""The inputs of older specs in their 2.x shape: ``inputs``, ``method``, ``atom``, ``from``.

Also takes what the vendor's own page of S3-enabled pipelines prints: ``"repo": "s3://images"``.
Invariant: what is already modern comes out equal and without a warning. Must not know: values.
"""

import json
from collections.abc import Mapping

from pfs_provider.spec.kinds import OneOf
from pfs_provider.spec.shape import snake
from pfs_provider.spec.spots import Spot, describe

__all__ = ["modernise_input", "modernise_inputs"]

Document = dict[str, object]

_COMBINED = ("cross", "union", "join", "group")
_METHOD_GLOBS = {"map": "/*", "reduce": "/*", "global": "/"}
_PARTITION_GLOBS = {"BLOCK": "/*", "FILE": "/*", "REPO": "/"}
_S3 = "s3://"
_MAX_NESTING = 16


def modernise_inputs(value: object, at: Spot) -> Document:
    """Return one 2.x input for a list of inputs as they were up to 1.4; several are a cross."""
    if not isinstance(value, list | tuple) or not value:
        at.refuse(
            f"is {describe(value)}, but a list of inputs is wanted; "
            'today\'s form is "input": {"pfs": {"repo": "images", "glob": "/*"}}'
        )
    made: list[object] = [{"pfs": _old_entry(item, at.item(i))} for i, item in enumerate(value)]
    first = made[0]
    return first if len(made) == 1 and isinstance(first, dict) else {"cross": made}


def modernise_input(value: object, at: Spot) -> object:
    """Return an input with the older forms in it replaced, at any depth."""
    if not isinstance(value, Mapping) or at.path.count("[") > _MAX_NESTING:
        return value  # the table refuses it
    given = {snake(str(key)): (str(key), item) for key, item in value.items()}
    out: Document = {}
    for name, (key, item) in given.items():
        if name == "atom":
            at.child("atom").warn('is the older name of "pfs"; write "pfs"')
            out["pfs"] = _modern_leaf(item, at.child("atom"))
        elif name == "pfs":
            out[key] = _modern_leaf(item, at.child("pfs"))
        elif name in _COMBINED and isinstance(item, list | tuple):
            spot = at.child(name)
            out[key] = [modernise_input(part, spot.item(i)) for i, part in enumerate(item)]
        else:
            out[key] = item
    return out


def _old_entry(value: object, at: Spot) -> Document:
    """Return the pfs input of one entry of ``inputs``."""
    if not isinstance(value, Mapping):
        at.refuse(f'is {describe(value)}, but an object is wanted: {{"repo": {{"name": …}}}}')
    entry = {snake(str(key)): item for key, item in value.items()}
    repo = entry.get("repo")
    if isinstance(repo, Mapping) and set(repo) == {"name"}:
        entry["repo"] = repo["name"]
    if entry.pop("run_empty", None):
        at.child("runEmpty").warn("is left out: a job without datums succeeds with empty output")
    _take_method(entry, at)
    return _clean_leaf(entry, at)


def _take_method(entry: Document, at: Spot) -> None:
    """Replace ``method`` by the glob that cuts the repo the same way."""
    method = entry.pop("method", None)
    if method is None:
        if "glob" not in entry:
            entry["glob"] = "/*"  # 1.2 took map where nothing was said
        return
    spot = at.child("method")
    if isinstance(method, Mapping):
        given = {snake(str(key)): item for key, item in method.items()}
        partition = OneOf(tuple(_PARTITION_GLOBS)).read(
            given.get("partition", "BLOCK"), spot.child("partition")
        )
        glob = _PARTITION_GLOBS[partition]
    else:
        glob = _METHOD_GLOBS[OneOf(tuple(_METHOD_GLOBS)).read(method, spot)]
    entry.setdefault("glob", glob)
    note = "" if glob == "/" else ", which gives whole files instead of blocks of lines"
    spot.warn(
        f"{json.dumps(method)} is the form of Pachyderm 1.2; "
        f'write "glob": {json.dumps(entry["glob"])}{note}'
    )


def _modern_leaf(value: object, at: Spot) -> object:
    if not isinstance(value, Mapping):
        return value
    return _clean_leaf(dict(value), at)


def _clean_leaf(entry: Document, at: Spot) -> Document:
    """Return a pfs input without what only older versions or the vendor's pages have."""
    out: Document = {}
    for key, item in entry.items():
        if snake(str(key)) in {"from", "from_commit"}:
            if item:
                at.child(str(key)).warn("is left out: the head is processed, and all that follows")
            continue
        out[key] = _propagation(item) if snake(str(key)) == "propagation_spec" else item
    repo = out.get("repo")
    if isinstance(repo, str) and repo.startswith(_S3):
        name = repo.removeprefix(_S3).rstrip("/")
        at.child("repo").warn(f'is the address "{repo}"; write the name alone, "{name}"')
        out["repo"] = name
    return out


def _propagation(item: object) -> object:
    """Return the word for what 2.12 writes as ``{"never": true}``."""
    if isinstance(item, Mapping) and {snake(str(key)) for key in item} <= {"never"}:
        return "never" if any(value in (True, "true") for value in item.values()) else "always"
    return item

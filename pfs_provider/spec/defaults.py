"""Defaults of specs: what stands under a spec unless it says otherwise, merged as JSON merge patch.

A document of defaults holds fields of a spec, bare or below ``create_pipeline_request``, as
Pachyderm's commands write them. Lists are replaced whole; ``null`` in what lies above takes a
default away (RFC 7396).
Invariants: defaults are checked by themselves, so that a spec is not blamed for them; what names or
feeds one pipeline has no default. Must not know: where defaults are kept, to whom they belong.
"""

import json
from collections.abc import Callable, Mapping, Sequence

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.spec.legacy import modernise
from pfs_provider.spec.refusals import check_spec
from pfs_provider.spec.shape import rename_fields, snake
from pfs_provider.spec.shapes import FLAGS, SPEC
from pfs_provider.spec.sources import Document, Source, read_documents
from pfs_provider.spec.spots import Notes, Spot

__all__ = ["WRAPPER", "DefaultsOf", "merge_patch", "no_defaults", "read_defaults"]

WRAPPER = "create_pipeline_request"
"""The one field of a document of defaults in Pachyderm's form."""

DefaultsOf = Callable[[str], Sequence[Document]]
"""Gives the defaults for pipelines of a project, the weakest first."""

_NO_DEFAULT = {
    "pipeline": "each pipeline has its own name",
    "input": "each pipeline has its own input",
    "salt": "it is a pipeline's own",
    **dict.fromkeys(FLAGS, "it is asked for once, and no part of a spec"),
}
_PROBE: Document = {
    "pipeline": {"name": "any"},
    "transform": {"cmd": ["true"]},
    "input": {"pfs": {"repo": "other", "glob": "/"}},
}
"""A small spec: defaults are good if it is good with them."""


def no_defaults(project: str) -> Sequence[Document]:
    """Return none, for any project."""
    del project
    return ()


def merge_patch(*layers: object) -> dict[str, object]:
    """Return objects merged one over the other, the last the strongest; null removes a key."""
    merged: dict[str, object] = {}
    for layer in layers:
        _merge_into(merged, layer)
    return merged


def _merge_into(target: dict[str, object], patch: object) -> None:
    if not isinstance(patch, Mapping):
        return
    for key, value in patch.items():
        name = str(key)
        if value is None:
            target.pop(name, None)
        elif isinstance(value, Mapping):
            below = target.get(name)
            copied: dict[str, object] = {}
            _merge_into(copied, below)
            _merge_into(copied, value)
            target[name] = copied
        else:
            target[name] = value


def read_defaults(source: Source) -> tuple[dict[str, object], tuple[str, ...]]:
    """Return a document of defaults, with today's names, and what is odd about it.

    Raises:
        RefusedError: ``spec-illegal``, with the path of the field; or ``source-illegal``.
        NotFoundError: ``source-not-found``.
        UnavailableError: ``source-unavailable``.
    """
    name, documents = read_documents(source)
    if len(documents) != 1:
        raise RefusedError(
            ErrorCode.SPEC_ILLEGAL,
            f"{name} holds {len(documents)} documents: write all defaults into one",
            source=name,
        )
    notes = Notes()
    at = Spot("", notes)
    known = {field.name for field in SPEC.fields}
    given = modernise(_unwrap(documents[0], at), at, known=known | set(FLAGS))
    for field, why in _NO_DEFAULT.items():
        if given.get(field) is not None:
            at.child(field).refuse(f"cannot have a default: {why}")
    defaults = rename_fields(SPEC, given)
    check_spec(SPEC.read(merge_patch(_PROBE, defaults), at), at)
    made: dict[str, object] = json.loads(json.dumps(merge_patch(defaults)))
    return made, tuple(notes.warnings)


def _unwrap(document: Document, at: Spot) -> Document:
    if [snake(str(key)) for key in document] != [WRAPPER]:
        return document
    (inner,) = document.values()
    if inner is None:
        return {}
    if not isinstance(inner, Mapping):
        at.child(WRAPPER).refuse(
            'holds no object: write fields of a spec, as in {"datum_tries": 5}'
        )
    return inner

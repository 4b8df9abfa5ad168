"""Turns the shapes of older specs (1.0 to 1.13) into the 2.x shape, with a warning for each.

Source: docs/reference/pipeline-spec.md, "Older shapes". ``method`` map and reduce become the glob
``/*`` (block splitting has no twin: files stay whole), global becomes ``/``.
Invariant: what is already modern comes out unchanged and without a warning; nothing is checked here
that the tables check anyway. Must not know: the values that are made of it.
"""

import json
import math
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from pfs_provider.spec.kinds import Number
from pfs_provider.spec.legacy_inputs import modernise_input, modernise_inputs
from pfs_provider.spec.shape import snake
from pfs_provider.spec.spots import Spot, describe

__all__ = ["EDITOR_KEY", "LEGACY_FIELDS", "modernise"]

Document = dict[str, object]

EDITOR_KEY = "$schema"
"""Where editors look for the JSON Schema of a file; no field of a spec."""

LEGACY_FIELDS = {
    "batch": "jobs have no batch mode",
    "build": "images are built elsewhere; name the image in transform.image",
    "cache_size": "caches size themselves",
    "gc_policy": "pfs gc removes what nothing needs",
    "hashtree_spec": "trees need no shards",
    "incremental": "only what changed is processed anyhow",
    "max_queue_size": "workers fetch ahead by themselves",
    "scale_down_threshold": "workers live as long as there is work",
    "spec_commit": "it is given by the server that wrote it",
    "stats": "counts and logs are kept for every job",
}
"""Fields of older specs that are dropped, and why nothing is lost."""

_OLD_TRANSFORM = {
    "build": LEGACY_FIELDS["build"],
    "overwrite": "a datum's output replaces what it wrote before",
}
_GPU_TYPE = "nvidia.com/gpu"
"""What Pachyderm asked Kubernetes for when a spec named no type."""

_OLD_NAMES = {
    *LEGACY_FIELDS,
    "chunk_spec",
    "enable_stats",
    "inputs",
    "output",
    "parallelism",
    "resource_spec",
    "standby",
}


@dataclass(frozen=True, slots=True)
class _Work:
    """One document on its way; ``doc`` is changed in place."""

    doc: Document
    at: Spot
    n_nodes: int

    def take(self, name: str) -> object:
        """Remove a field and return its value, None if it is not there."""
        return self.doc.pop(name, None)

    def put(self, name: str, value: object) -> None:
        """Set a modern field that must not be there yet."""
        if self.doc.get(name) is not None:
            self.at.child(name).refuse("is given in its old and its new form: keep the new one")
        self.doc[name] = value

    def replaced(self, name: str, modern: object, why: str = "is an older form") -> None:
        """Warn that ``name`` was read as ``modern``."""
        shown = json.dumps(modern, ensure_ascii=False, default=str)[1:-1]
        self.at.child(name).warn(f"{why}; write {shown}")


def modernise(
    document: Mapping[str, object], at: Spot, *, known: AbstractSet[str], n_nodes: int = 1
) -> Document:
    """Return the document in 2.x shape, with snake_case names at its top.

    Args:
        document: As loaded. Not changed.
        at: The spec's root; gets the warnings.
        known: The modern names; any other keeps its spelling, for the error that will name it.
        n_nodes: What "one worker per node" of older specs means.

    Raises:
        RefusedError: ``spec-illegal``: a field twice, or an older shape with a wrong value.
    """
    doc: Document = {}
    for key, value in document.items():
        if key == EDITOR_KEY:
            continue
        name = snake(str(key))
        if name in doc:
            at.child(name).refuse("is given twice, in two spellings: keep one of them")
        doc[name if name in known or name in _OLD_NAMES else str(key)] = value
    work = _Work(doc, at, n_nodes)
    for step in _STEPS:
        step(work)
    return doc


def _parallelism(work: _Work) -> None:
    if (given := work.take("parallelism")) is None:
        return
    number = Number().read(given, work.at.child("parallelism"))
    modern = {"constant": number or work.n_nodes}
    work.put("parallelism_spec", modern)
    why = "0 means the number of nodes" if number == 0 else f"{describe(given)} is an older form"
    work.replaced("parallelism", {"parallelism_spec": modern}, why)


def _parallelism_spec(work: _Work) -> None:
    spec = work.doc.get("parallelism_spec")
    if not isinstance(spec, Mapping):
        return
    given = {snake(str(key)): value for key, value in spec.items()}
    strategy, coefficient = given.pop("strategy", None), given.pop("coefficient", None)
    if strategy is None and coefficient is None and given.get("constant") not in {0, "0"}:
        return
    at = work.at.child("parallelism_spec")
    if coefficient and given.get("constant"):
        at.refuse("has both constant and coefficient: keep constant")
    if coefficient:
        given["constant"] = _per_node(coefficient, at.child("coefficient"), work.n_nodes)
    elif given.get("constant", 0) in {0, "0"}:
        given["constant"] = work.n_nodes
    work.doc["parallelism_spec"] = given
    work.replaced("parallelism_spec", {"parallelism_spec": given})


def _per_node(coefficient: object, at: Spot, n_nodes: int) -> int:
    try:
        number = float(str(coefficient))
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        at.refuse(f"is {describe(coefficient)}, but a number above 0 is wanted")
    return max(1, math.ceil(number * n_nodes))


def _inputs(work: _Work) -> None:
    if (given := work.take("inputs")) is None:
        return
    made = modernise_inputs(given, work.at.child("inputs"))
    work.put("input", made)
    work.replaced("inputs", {"input": made})


def _input(work: _Work) -> None:
    if "input" in work.doc:
        work.doc["input"] = modernise_input(work.doc["input"], work.at.child("input"))


def _transform(work: _Work) -> None:
    transform = work.doc.get("transform")
    if not isinstance(transform, Mapping):
        return
    kept = {key: value for key, value in transform.items() if str(key) not in _OLD_TRANSFORM}
    work.doc["transform"] = kept
    for name, why in _OLD_TRANSFORM.items():
        if transform.get(name) is not None:
            work.at.child(f"transform.{name}").warn(f"is of older versions and is left out: {why}")


def _gpu(work: _Work) -> None:
    """Up to 1.7 a number of GPUs had no type."""
    for name in ("resource_requests", "resource_limits"):
        given = work.doc.get(name)
        number = given.get("gpu") if isinstance(given, Mapping) else None
        if not isinstance(given, Mapping) or not isinstance(number, int | str):
            continue
        at = work.at.child(name).child("gpu")
        modern = {"type": _GPU_TYPE, "number": Number(low=0).read(number, at)}
        kept = {key: value for key, value in given.items() if key != "gpu"}
        work.doc[name] = {**kept, "gpu": modern} if modern["number"] else kept
        at.warn(f'is a number alone, an older form; write "gpu": {json.dumps(modern)}')


def _output(work: _Work) -> None:
    given = work.take("output")
    if isinstance(given, Mapping):
        modern = {snake(str(key)): value for key, value in given.items()}
        work.put("egress", modern)
        work.replaced("output", {"egress": modern})
    elif given is not None:
        work.at.child("output").refuse('is of older versions: write "egress": {"url": …}')


def _renamed(old: str, new: str) -> Callable[[_Work], None]:
    def step(work: _Work) -> None:
        if (given := work.take(old)) is not None:
            work.put(new, given)
            work.replaced(old, {new: given})

    return step


def _enable_stats(work: _Work) -> None:
    given = work.take("enable_stats")
    if given is None:
        return
    at = work.at.child("enable_stats")
    if given in {True, "true"} and work.doc.get("s3_out") in {True, "true"}:
        at.refuse("cannot be true with s3_out: leave it out, counts are kept for every job")
    at.warn("is of older versions and is left out: counts and logs are kept for every job")


def _spout(work: _Work) -> None:
    """Up to 1.11 a spout wrote tar archives into ``/pfs/out``, a pipe; it is one still."""
    given = work.doc.get("spout")
    if not isinstance(given, Mapping):
        return
    for name in ("marker", "overwrite"):
        if given.get(name) is not None:
            work.at.child("spout").child(name).warn(
                "is of older versions, whose spouts write tar archives into /pfs/out: they are "
                "taken; newer ones call `pfs put file`"
            )


def _dropped(work: _Work) -> None:
    for name, why in LEGACY_FIELDS.items():
        if work.take(name) is not None:
            work.at.child(name).warn(f"is left out: {why}")


_STEPS: tuple[Callable[[_Work], None], ...] = (
    _parallelism,
    _parallelism_spec,
    _inputs,
    _input,
    _transform,
    _output,
    _renamed("chunk_spec", "datum_set_spec"),
    _renamed("resource_spec", "resource_requests"),
    _gpu,
    _renamed("standby", "autoscaling"),
    _enable_stats,
    _spout,
    _dropped,
)

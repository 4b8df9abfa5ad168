"""The JSON Schema of a pipeline spec, made of the tables; published in docs/reference.

``python -m pfs_provider.spec.schema`` prints it. Today's form is described field by field; what
older specs have instead is there as ``deprecated``, so that an editor strikes it through.
Invariant: what the reader takes, the schema takes, given fields in one of their two spellings; a
name that the reader does not know is caught. ``null`` is as good as leaving a field out.
"""

import json
import sys
from typing import cast

from pfs_provider.spec.inputs import INPUT
from pfs_provider.spec.kinds import Flag
from pfs_provider.spec.legacy import EDITOR_KEY, LEGACY_FIELDS
from pfs_provider.spec.shape import camel, or_null
from pfs_provider.spec.shapes import FLAGS, SPEC
from pfs_provider.spec.spots import Schema

__all__ = ["make_schema", "render_schema"]

_NUMBER: Schema = {"type": ["integer", "string", "number"]}
_OLD_TOP: dict[str, tuple[str, Schema]] = {
    "parallelism": ('"parallelism_spec": {"constant": 4}', _NUMBER),
    "inputs": ('"input": {"pfs": {"repo": "images", "glob": "/*"}}', {"type": "array"}),
    "output": ('"egress": {"url": "s3://bucket/folder"}', {"type": "object"}),
    "chunk_spec": ('"datum_set_spec"', {"type": "object"}),
    "resource_spec": ('"resource_requests"', {"type": "object"}),
    "standby": ('"autoscaling"', {}),
    "enable_stats": ("nothing: counts and logs are kept for every job", {}),
    **{name: (f"nothing: {why}", {}) for name, why in LEGACY_FIELDS.items()},
}
"""Fields of older specs, with what is written today."""


def make_schema() -> Schema:
    """Return the JSON Schema (2020-12) of one spec."""
    schema = SPEC.schema()
    properties = _properties(schema)
    properties[EDITOR_KEY] = {"description": "For editors.", "type": "string"}
    properties["input"] = {"$ref": "#/$defs/input"}
    for flag in FLAGS:
        kind = or_null(Flag().schema())
        asked = {"description": "Asked of the server that reads the file.", **kind}
        properties[flag] = properties[camel(flag)] = asked
    _add_old(schema, _OLD_TOP)
    _add_old_parts(properties)
    given = INPUT.schema()
    _add_old_inputs(given)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Pipeline spec",
        **schema,
        "required": ["pipeline", "transform"],
        "anyOf": [{"required": [one]} for one in ("input", "inputs", "spout")],
        "$defs": {"input": given},
    }


def _properties(schema: Schema) -> dict[str, Schema]:
    return cast("dict[str, Schema]", schema["properties"])


def _add_old(schema: Schema, old: dict[str, tuple[str, Schema]]) -> None:
    for name, (today, kind) in old.items():
        described = {
            "description": f"Older form; write {today}.",
            "deprecated": True,
            **or_null(kind),
        }
        for spelling in dict.fromkeys((name, camel(name))):
            _properties(schema)[spelling] = described


def _add_old_parts(properties: dict[str, Schema]) -> None:
    constant = '"constant"'
    _add_old(
        properties["parallelism_spec"],
        {"strategy": (constant, {"type": "string"}), "coefficient": (constant, _NUMBER)},
    )
    left_out = "nothing: it is left out"
    _add_old(properties["transform"], dict.fromkeys(("overwrite", "build"), (left_out, {})))
    for name in ("resource_requests", "resource_limits"):
        resources = _properties(properties[name])
        old = {"deprecated": True, **_NUMBER}
        resources["gpu"] = {"anyOf": [resources["gpu"], old]}
    for name in ("egress",):  # 1.4 to 1.13 wrote it so
        _properties(properties[name])["URL"] = {"type": "string", "deprecated": True}


def _add_old_inputs(given: Schema) -> None:
    leaf = _properties(given)["pfs"]
    left_out = "nothing: the head is processed, and all that follows"
    _add_old(leaf, {"from": (left_out, {}), "from_commit": (left_out, {})})
    never: Schema = {"type": "object", "properties": {"never": Flag().schema()}}
    for spelling in ("propagation_spec", "propagationSpec"):
        modern = _properties(leaf)[spelling]
        _properties(leaf)[spelling] = {"anyOf": [modern, never]}
    _properties(given)["atom"] = {
        **leaf,
        "description": "Older form; write pfs.",
        "deprecated": True,
    }


def render_schema() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(make_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render_schema())

"""The JSON Schema of a pipeline spec, made of the tables; published in docs/reference.

``python -m pfs_provider.spec.schema`` prints it. It describes the 2.x form; older shapes load too.
"""

import json
import sys

from pfs_provider.spec.inputs import INPUT
from pfs_provider.spec.kinds import Flag
from pfs_provider.spec.shape import camel
from pfs_provider.spec.shapes import FLAGS, SPEC
from pfs_provider.spec.spots import Schema

__all__ = ["make_schema", "render_schema"]


def make_schema() -> Schema:
    """Return the JSON Schema (2020-12) of one spec."""
    schema = SPEC.schema()
    properties = schema["properties"]
    if isinstance(properties, dict):
        properties["input"] = {"$ref": "#/$defs/input"}
        for flag in FLAGS:
            asked = {"description": "Asked of the server that reads the file.", **Flag().schema()}
            properties[flag] = properties[camel(flag)] = asked
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Pipeline spec",
        **schema,
        "required": ["pipeline", "transform", "input"],
        "$defs": {"input": INPUT.schema()},
    }


def render_schema() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(make_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render_schema())

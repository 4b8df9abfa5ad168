"""A judge of Argo's documents: its own JSON schemas, made strict.

As published they accept unknown keys, so that a typo passes; here every definition is closed, and a
quantity or a port may be a number, as it may in YAML. jsonschema has to be installed.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["SchemaJudge"]

WIDE = (
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    "io.k8s.apimachinery.pkg.api.resource.Quantity",
)
PREFIXES = ("io.argoproj.workflow.v1alpha1.", "io.argoproj.events.v1alpha1.")
OLD_PREFIXES = ("github.com/argoproj/argo-events/pkg/apis/events/v1alpha1.",)


class SchemaJudge:
    """Tells what is wrong with documents of Argo.

    Args:
        schema: ``api/jsonschema/schema.json`` of argo-workflows or argo-events.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        from jsonschema import Draft202012Validator  # noqa: PLC0415 # lazy: only tests have it

        self._definitions: dict[str, Any] = copy.deepcopy(dict(schema["definitions"]))
        for definition in self._definitions.values():
            if "properties" in definition:
                definition.setdefault("additionalProperties", False)
        for name in WIDE:
            if name in self._definitions:
                self._definitions[name]["type"] = ["string", "integer", "number"]
        self._judge = Draft202012Validator

    def find_problems(self, document: Mapping[str, Any]) -> Iterator[str]:
        """Yield what is wrong with a document of a kind that the schema knows."""
        kind = str(document.get("kind"))
        name = self._find_name(kind)
        if name is None:
            yield f"there is no kind {kind!r} in the schema"
            return
        schema = {"$ref": f"#/definitions/{name}", "definitions": self._definitions}
        for error in self._judge(schema).iter_errors(document):
            place = "/".join(str(part) for part in error.absolute_path)
            about = (document.get("metadata") or {}).get("name", "?")
            yield f"{kind} {about}: {place}: {error.message}"

    def _find_name(self, kind: str) -> str | None:
        for prefix in (*PREFIXES, *OLD_PREFIXES):
            if prefix + kind in self._definitions:
                return prefix + kind
        return None

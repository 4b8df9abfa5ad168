"""A shape: the fields of one object of a spec, and the value that is made of them.

Invariants: both spellings of a field are read (``datum_tries``, ``datumTries``), one of them at a
time; an unknown field is refused with the nearest known name; what is written back leaves out
fields that have their default.
Must not know: which objects there are.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from typing import Generic, TypeVar

from pfs_provider.spec.spots import Kind, Schema, Spot, describe

__all__ = ["Field", "Shape", "camel", "or_null", "rename_fields", "snake", "suggest"]

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        name: As in snake_case specs.
        kind: How its value is read.
        doc: One line for the reference page and the JSON Schema.
        attribute: Its name in the value that is made, if another.
        missing: The way out if it is required, as in ``name the repo``.
        inert: Why it has no effect yet; reading it warns.
    """

    name: str
    kind: Kind[object]
    doc: str
    attribute: str = ""
    missing: str = ""
    inert: str = ""

    @property
    def target(self) -> str:
        """Its name in the value that is made."""
        return self.attribute or self.name


@dataclass(frozen=True, slots=True)
class Shape(Generic[T_co]):
    """The fields of one object. ``make`` gets what was read, by attribute."""

    make: Callable[..., T_co]
    fields: tuple[Field, ...]

    def read(self, value: object, at: Spot) -> T_co:
        """Return the value. Raises RefusedError ``spec-illegal``, naming the field."""
        if not isinstance(value, Mapping):
            return at.refuse(f"is {describe(value)}, but an object is wanted: {self.example()}")
        given = self._by_name(value, at)
        found: dict[str, object] = {}
        for known in self.fields:
            spot = at.child(known.name)
            if given.get(known.name) is None:
                if known.missing:
                    spot.refuse(f"is missing: {known.missing}")
                continue
            item = known.kind.read(given[known.name], spot)
            if known.inert and item:
                spot.warn(f"has no effect: {known.inert}")
            found[known.target] = item
        return self.make(**found)

    def write(self, value: object) -> object:
        """Return the JSON object of a value, without what has its default."""
        defaults = _defaults(value)
        out: dict[str, object] = {}
        for known in self.fields:
            item = getattr(value, known.target, None)
            if item is None or (known.target in defaults and item == defaults[known.target]):
                continue
            out[known.name] = known.kind.write(item)
        return out

    def schema(self) -> Schema:
        """Return the JSON Schema of the object, with both spellings of its fields."""
        properties: dict[str, object] = {}
        for known in self.fields:
            kind = known.kind.schema()
            described = {"description": known.doc, **(kind if known.missing else or_null(kind))}
            properties[known.name] = described
            if camel(known.name) != known.name:
                properties[camel(known.name)] = described
        # A field with two spellings cannot be demanded in either; the reader does.
        needed = [one.name for one in self.fields if one.missing and one.name == camel(one.name)]
        return {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            **({"required": needed} if needed else {}),
        }

    def example(self) -> str:
        """Return what the object looks like, for an error."""
        wanted = [known.name for known in self.fields if known.missing] or [self.fields[0].name]
        return "{" + ", ".join(f'"{name}": …' for name in wanted) + "}"

    def _by_name(self, value: Mapping[object, object], at: Spot) -> dict[str, object]:
        names = {known.name for known in self.fields}
        given: dict[str, object] = {}
        for key, item in value.items():
            name = snake(str(key))
            if name not in names:
                at.child(str(key)).refuse(f"is no known field{suggest(str(key), names)}")
            if name in given:
                at.child(name).refuse("is given twice, in two spellings: keep one of them")
            given[name] = item
        return given


def or_null(schema: Schema) -> Schema:
    """Return the JSON Schema of the same or null, which stands for a field left out."""
    kinds, words, types = schema.get("anyOf"), schema.get("enum"), schema.get("type")
    if isinstance(kinds, list):
        return {**schema, "anyOf": [*kinds, {"type": "null"}]}
    if isinstance(words, list):
        return {**schema, "enum": list(dict.fromkeys([*words, None]))}
    if types is None:
        return schema
    return {**schema, "type": [*(types if isinstance(types, list) else [types]), "null"]}


def rename_fields(kind: object, value: object) -> object:
    """Return a value of this kind with its fields' names in snake_case, at any depth.

    Keys that are no fields (of ``env``, say), unknown fields and fields in two spellings stay as
    they are, for the reader to judge.
    """
    if isinstance(kind, Shape) and isinstance(value, Mapping):
        kinds = {known.name: known.kind for known in kind.fields}
        names = [name if (name := snake(str(key))) in kinds else str(key) for key in value]
        if len(set(names)) < len(names):
            return value
        return {
            name: rename_fields(kinds.get(name), item)
            for name, item in zip(names, value.values(), strict=True)
        }
    items = getattr(kind, "kind", None)  # a list's
    if isinstance(items, Shape) and isinstance(value, list | tuple):
        return [rename_fields(items, item) for item in value]
    return value


def snake(name: str) -> str:
    """Return a field's name in snake_case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def camel(name: str) -> str:
    """Return a field's name in camelCase."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def suggest(name: str, known: set[str]) -> str:
    """Return ``: did you mean 'x'?``, or else what there is."""
    near = get_close_matches(snake(name), sorted(known), n=1, cutoff=0.6)
    if near:
        spelling = camel(near[0]) if name != snake(name) else near[0]
        return f": did you mean {spelling!r}?"
    return f": known are {', '.join(sorted(known))}"


def _defaults(value: object) -> dict[str, object]:
    out: dict[str, object] = {}
    for each in fields(value):  # type: ignore[arg-type]  # only dataclasses have shapes
        if each.default is not MISSING:
            out[each.name] = each.default
        elif each.default_factory is not MISSING:
            out[each.name] = each.default_factory()
    return out

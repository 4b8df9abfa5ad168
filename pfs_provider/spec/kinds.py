"""Kinds of fields: each reads a value of a spec file, writes it back, and describes itself.

One table of kinds (``shapes.py``) thus gives the reader, its error messages, the normalised
document and the published JSON Schema. A kind takes what people and older versions write (numbers
as text, camelCase) and gives one form.

Invariant: ``read(write(value)) == value``.
Must not know: which fields there are.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Literal, TypeVar

from pfs_provider.spec.spots import Kind, Schema, Spot, describe

__all__ = [
    "Deferred",
    "Duration",
    "Flag",
    "JsonText",
    "ListOf",
    "MapOf",
    "Moment",
    "Number",
    "OneOf",
    "Quantity",
    "Raw",
    "Words",
    "check_words",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Words:
    """Text."""

    example: str = "text"

    def read(self, value: object, at: Spot) -> str:
        """Return the text; numbers and truth values have to be quoted."""
        if isinstance(value, str):
            check_words(value, at)
            return value
        shown = json.dumps(value, default=str) if isinstance(value, bool | int | float) else None
        way_out = f'put it in quotes: "{shown}"' if shown else f'write "{self.example}"'
        return at.refuse(f"is {describe(value)}, but text is wanted: {way_out}")

    def write(self, value: object) -> object:
        """Return the text."""
        return value

    def schema(self) -> Schema:
        """Return the JSON Schema."""
        return {"type": "string"}


def check_words(text: str, at: Spot) -> None:
    """Refuse text that no command line, environment or file can hold."""
    if "\0" in text:
        at.refuse("holds a NUL character: remove it")
    try:
        text.encode()
    except UnicodeEncodeError:
        at.refuse("cannot be written as UTF-8: remove the lone surrogate")


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def read(self, value: object, at: Spot) -> bool:
        """Return the flag; the words "true" and "false" are taken with a warning."""
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            at.warn(f'is the text "{value}"; write {value.lower()} without quotes')
            return value.lower() == "true"
        return at.refuse(f"is {describe(value)}, but true or false is wanted")

    def write(self, value: object) -> object:
        """Return the flag."""
        return value

    def schema(self) -> Schema:
        """Return the JSON Schema."""
        text: Schema = {"type": "string", "pattern": _any_case("true", "false")}
        return {"anyOf": [{"type": "boolean"}, text]}


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number within bounds."""

    low: int = 0
    high: int = 2**63 - 1

    def read(self, value: object, at: Spot) -> int:
        """Return the number; text that holds one is taken, as Pachyderm does."""
        number: int | None = None
        if isinstance(value, str):
            number = int(value) if re.fullmatch(r"[+-]?[0-9]{1,19}", value.strip()) else None
        elif isinstance(value, float):
            number = int(value) if value.is_integer() else None
        elif isinstance(value, int) and not isinstance(value, bool):
            number = value
        if number is None:
            return at.refuse(
                f"is {describe(value)}, but a whole number is wanted, as in {self.low}"
            )
        if not self.low <= number <= self.high:
            bound = f"at least {self.low}" if number < self.low else f"at most {self.high}"
            return at.refuse(f"is {number}, but has to be {bound}")
        return number

    def write(self, value: object) -> object:
        """Return the number."""
        return value

    def schema(self) -> Schema:
        """Return the JSON Schema."""
        whole: Schema = {"type": "integer", "minimum": self.low}
        return {"anyOf": [whole, {"type": "string", "pattern": "^[+-]?[0-9]+$"}]}


_QUANTITY = re.compile(r"([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+|[numkKMGTPE]i?)?")


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount as Kubernetes writes it: ``0.5``, ``500m``, ``64M``, ``1Gi``."""

    def read(self, value: object, at: Spot) -> str:
        """Return the amount as text."""
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return f"{value:g}" if isinstance(value, float) else str(value)
        if isinstance(value, str) and _QUANTITY.fullmatch(value):
            return value
        return at.refuse(
            f'is {describe(value)}, but an amount is wanted, as in 0.5, "500m", "64M" or "1Gi"'
        )

    def write(self, value: object) -> object:
        """Return the amount."""
        return value

    def schema(self) -> Schema:
        """Return the JSON Schema."""
        text: Schema = {"type": "string", "pattern": f"^{_QUANTITY.pattern}$"}
        return {"anyOf": [{"type": "number", "minimum": 0}, text]}


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)"
_DURATION = re.compile(rf"(?:{_DURATION_PART})+")


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time as Go writes it: ``90s``, ``1h30m``; read as seconds."""

    def read(self, value: object, at: Spot) -> float:
        """Return seconds, more than 0."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return at.refuse(f'is {describe(value)} without a unit: write "{value}s" for seconds')
        if not isinstance(value, str) or _DURATION.fullmatch(value) is None:
            return at.refuse(
                f'is {describe(value)}, but a length of time is wanted, as in "90s", "10m", "1h30m"'
            )
        parts = re.findall(_DURATION_PART, value)
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
        if seconds <= 0:
            return at.refuse("is no time at all: leave the field out for no limit")
        return seconds

    def write(self, value: object) -> object:
        """Return the seconds with their unit, without an exponent."""
        text = f"{value:.9f}".rstrip("0").rstrip(".")
        return f"{text}s"

    def schema(self) -> Schema:
        """Return the JSON Schema."""
        return {
            "type": "string",
            "pattern": f"^{_DURATION.pattern}$",
            "examples": ["90s", "10m", "1h30m"],
        }


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time (RFC 3339)."""

    def read(self, value: object, at: Spot) -> datetime:
        """Return the time in UTC."""
        try:
            found = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            return at.refuse(
                f"is {describe(value)}, but a time with its zone is wanted, "
                'as in "2024-05-01T00:00:00Z"'
            )
        return found.astimezone(UTC)

    def write(self, value: object) -> object:
        """Return the time as text."""
        return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else None

    def schema(self) -> Schema:
        """Return the JSON Schema."""
        return {"type": "string", "format": "date-time"}


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few words; case and underscores do not matter."""

    words: tuple[str, ...]

    def read(self, value: object, at: Spot) -> str:
        """Return the word in its own spelling."""
        if isinstance(value, str):
            for word in self.words:
                if _bare(word) == _bare(value):
                    return word
        return at.refuse(f"is {describe(value)}, but one of {', '.join(self.words)} is wanted")

    def write(self, value: object) -> object:
        """Return the word."""
        return value

    def schema(self) -> Schema:
        """Return the JSON Schema."""
        other: Schema = {"type": "string", "pattern": _any_case(*self.words)}
        return {"anyOf": [{"enum": list(self.words)}, other]}


def _any_case(*words: str) -> str:
    """Return a pattern of words whose case and underscores do not matter, for the JSON Schema."""
    spelled = ("_*".join(f"[{c.upper()}{c.lower()}]" for c in _bare(word)) for word in words)
    return f"^_*({'|'.join(spelled)})_*$"


def _bare(word: str) -> str:
    return word.replace("_", "").lower()


@dataclass(frozen=True, slots=True)
class ListOf(Generic[T]):
    """A list of one kind."""

    kind: Kind[T]

    def read(self, value: object, at: Spot) -> tuple[T, ...]:
        """Return the elements."""
        if not isinstance(value, list | tuple):
            return at.refuse(f"is {describe(value)}, but a list is wanted: put [ and ] around it")
        return tuple(self.kind.read(item, at.item(index)) for index, item in enumerate(value))

    def write(self, value: object) -> object:
        """Return a JSON list."""
        return [self.kind.write(item) for item in value] if isinstance(value, tuple) else []

    def schema(self) -> Schema:
        """Return the JSON Schema."""
        return {"type": "array", "items": self.kind.schema()}


@dataclass(frozen=True, slots=True)
class MapOf(Generic[T]):
    """An object with any keys and values of one kind."""

    kind: Kind[T]

    def read(self, value: object, at: Spot) -> dict[str, T]:
        """Return the object."""
        if not isinstance(value, Mapping):
            return at.refuse(
                f'is {describe(value)}, but an object is wanted, as in {{"KEY": "value"}}'
            )
        out: dict[str, T] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                at.refuse(f"has the key {describe(key)}: put it in quotes")
            check_words(key, at)
            out[key] = self.kind.read(item, at.child(key))
        return out

    def write(self, value: object) -> object:
        """Return a JSON object."""
        if not isinstance(value, Mapping):
            return {}
        return {str(key): self.kind.write(item) for key, item in value.items()}

    def schema(self) -> Schema:
        """Return the JSON Schema."""
        return {"type": "object", "additionalProperties": self.kind.schema()}


@dataclass(frozen=True, slots=True)
class JsonText:
    """Text that holds JSON; written out in place it is taken too."""

    holds: Literal["an object", "a list"]

    def read(self, value: object, at: Spot) -> str:
        """Return the text."""
        wanted: type = dict if self.holds == "an object" else list
        found = value
        if isinstance(value, str):
            try:
                found = json.loads(value) if value else wanted()
            except ValueError as error:
                return at.refuse(f"is not JSON ({error}): write {self.holds} as JSON text")
        if not isinstance(found, wanted):
            return at.refuse(f"is {describe(value)}, but {self.holds} as JSON text is wanted")
        return value if isinstance(value, str) else json.dumps(value)

    def write(self, value: object) -> object:
        """Return the text."""
        return value

    def schema(self) -> Schema:
        """Return the JSON Schema."""
        return {"type": ["string", "object" if self.holds == "an object" else "array"]}


@dataclass(frozen=True, slots=True)
class Raw:
    """An object that is kept as it is."""

    def read(self, value: object, at: Spot) -> dict[str, object]:
        """Return the object."""
        if not isinstance(value, Mapping):
            return at.refuse(f"is {describe(value)}, but an object is wanted")
        return {str(key): item for key, item in value.items()}

    def write(self, value: object) -> object:
        """Return the object."""
        return value

    def schema(self) -> Schema:
        """Return the JSON Schema."""
        return {"type": "object"}


@dataclass(frozen=True, slots=True)
class Deferred:
    """A known field that cannot be had; ``way_out`` says what to do instead."""

    way_out: str

    def read(self, value: object, at: Spot) -> None:
        """Refuse any value but null and false."""
        if value is not None and value is not False:
            at.refuse(f"is not supported: {self.way_out}")

    def write(self, value: object) -> object:  # noqa: ARG002  # there is never a value
        """Return null."""
        return None

    def schema(self) -> Schema:
        """Return the JSON Schema."""
        return {"enum": [None, False]}

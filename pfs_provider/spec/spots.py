"""Where in a spec the reader is, what it notes on its way, and how it refuses.

Invariant: every refusal names the field's path, as the author would write it, and the way out.
Must not know: kinds of values, fields.
"""

import json
from dataclasses import dataclass, field
from typing import NoReturn, Protocol, TypeVar

from pfs_provider.errors import ErrorCode, PfsError, RefusedError
from pfs_provider.refs.names import DEFAULT_PROJECT, PipelineKey

__all__ = ["Kind", "Notes", "Schema", "Spot", "describe"]

T_co = TypeVar("T_co", covariant=True)
Schema = dict[str, object]

MAX_SHOWN = 60
"""Characters of a wrong value that an error repeats."""

_UNNAMED = PipelineKey(DEFAULT_PROJECT, "")


@dataclass(slots=True)
class Notes:
    """What is gathered while one spec is read."""

    warnings: list[str] = field(default_factory=list)
    key: PipelineKey = _UNNAMED
    n_inputs: int = 0
    n_triggers: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in a spec the reader is."""

    path: str
    notes: Notes

    def child(self, name: str) -> "Spot":
        """Return the spot of a field."""
        return Spot(f"{self.path}.{name}" if self.path else name, self.notes)

    def item(self, index: int) -> "Spot":
        """Return the spot of a list's element, counted from 0."""
        return Spot(f"{self.path}[{index}]", self.notes)

    def refuse(self, why: str) -> NoReturn:
        """Raise RefusedError ``spec-illegal`` that names this field."""
        raise RefusedError(
            ErrorCode.SPEC_ILLEGAL, f"{self.path or 'the spec'} {why}", field=self.path
        )

    def refuse_because(self, error: PfsError) -> NoReturn:
        """Raise RefusedError ``spec-illegal`` that names this field and says what was wrong."""
        raise RefusedError(
            ErrorCode.SPEC_ILLEGAL,
            f"{self.path}: {error.message}",
            field=self.path,
            cause=str(error.code),
        ) from error

    def warn(self, text: str) -> None:
        """Keep a warning that names this field."""
        self.notes.warnings.append(f"{self.path} {text}")


class Kind(Protocol[T_co]):
    """How one sort of value is read, written and described."""

    def read(self, value: object, at: Spot) -> T_co:
        """Return the value in its one form. Raises RefusedError ``spec-illegal``."""

    def write(self, value: object) -> object:
        """Return what JSON holds for a value that ``read`` gave."""

    def schema(self) -> Schema:
        """Return the JSON Schema of what ``read`` takes."""


def describe(value: object) -> str:
    """Return a value as a person would name it, for instance ``the list [1, 2]``."""
    names = {
        bool: "",
        int: "the number ",
        float: "the number ",
        list: "the list ",
        dict: "the object ",
    }
    if value is None:
        return "null"
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
    return f"{names.get(type(value), 'the text ')}{text}"

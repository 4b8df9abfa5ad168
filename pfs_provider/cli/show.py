"""What commands print: one JSON object a line with the stable fields, or text for people.

Invariant: JSON has exactly the fields of the value, in their order; times are ISO 8601 with ``Z``.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from itertools import chain, islice
from typing import Any

from pfs_provider.cli.columns import Now, columns_of, row_of
from pfs_provider.cli.table import table_lines
from pfs_provider.cli.words import time_text
from pfs_provider.clock import SystemClock

__all__ = ["Output", "json_line", "say", "show", "show_all", "show_id", "show_json", "warn"]


class Output(StrEnum):
    """How a command answers."""

    TEXT = "text"
    JSON = "json"


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")


def warn(text: str) -> None:
    """Print a line that is not part of the answer."""
    sys.stderr.write(f"warning: {text}\n")


def show(info: object, output: Output) -> None:
    """Print one value: as JSON, or a line for each field."""
    if output is Output.JSON:
        return say(json_line(info))
    for field in fields(info):  # type: ignore[arg-type] # all infos are dataclasses
        name = field.name.replace("_", " ").capitalize()
        say(f"{name}: {_text(getattr(info, field.name))}".rstrip())
    return None


def show_id(info: Any, output: Output) -> None:  # noqa: ANN401 - whatever has an id
    """Print a value as JSON, or only its id, as scripts want it."""
    say(json_line(info) if output is Output.JSON else info.id)


def show_json(info: object, output: Output) -> None:
    """Print a value as JSON, or nothing: done is all that a person wants to know."""
    if output is Output.JSON:
        say(json_line(info))


def show_all(
    infos: Iterable[object],
    output: Output,
    *,
    full_times: bool = False,
    live: bool = False,
    go_on: bool = False,
) -> None:
    """Print values as they come: JSON lines, or a table; nothing if there are none.

    Args:
        infos: Values of one class.
        output: How.
        full_times: Times in full instead of how long ago.
        live: They come one by one, over a long time: each is printed at once.
        go_on: The table's header was printed with others before them.
    """
    if output is Output.JSON:
        _write((json_line(info) for info in infos), live=live)
        return
    source = iter(infos)
    first = next(source, None)
    if first is None:
        return
    now = Now(at=SystemClock().now(), full=full_times)
    headers = list(columns_of(type(first)))
    rows = (row_of(info, headers, now) for info in chain([first], source))
    lines = table_lines(headers, rows, **({"batch": 1} if live else {}))
    _write(islice(lines, 1 if go_on else 0, None), live=live)


def json_line(info: object) -> str:
    """Return a value as one line of JSON."""
    return json.dumps(_plain(info), ensure_ascii=False)


def _write(lines: Iterable[str], *, live: bool) -> None:
    for line in lines:
        say(line)
        if live:
            sys.stdout.flush()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}  # type: ignore[arg-type] # just asked
    return value


_TEXTS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "-",
    datetime: time_text,
    dict: lambda value: json.dumps(_plain(value), ensure_ascii=False),
}


def _text(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(_text(part) for part in value) or "-"
    return _TEXTS.get(type(value), str)(value)

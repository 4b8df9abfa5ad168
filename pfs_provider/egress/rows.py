"""From the bytes of an output file to the rows of a table, one after the other.

Invariants: a row has one value for each column asked for, in their order; memory does not grow
with the file, but for a JSON file that is one array. Values: CSV gives text, and None for an empty
field; JSON gives what it says, numbers with fractions as Decimal.
Must not know: which table, which database.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from json import JSONDecodeError
from typing import Any

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.spec.model import SqlFileFormat

__all__ = ["Value", "read_rows"]

Value = str | int | bool | Decimal | None

_MAX_FIELD_BYTES = 128 * 1024 * 1024
"""Python's csv stops at 128 KiB by default; a document in a field is longer."""
csv.field_size_limit(_MAX_FIELD_BYTES)

_DECODER = json.JSONDecoder(parse_float=Decimal)


def read_rows(
    blocks: Iterable[bytes], form: SqlFileFormat, columns: Sequence[str], path: str
) -> Iterator[list[Value]]:
    """Yield the rows of one file.

    Args:
        blocks: The file.
        form: CSV: with columns of its own the file begins with a header, else it has none. JSON:
            objects one after the other, or one array of them.
        columns: Which columns are wanted, in which order.
        path: The file, for messages.

    Raises:
        RefusedError: ``egress-illegal`` naming the file and the row. What was yielded is good.
    """
    text = io.TextIOWrapper(io.BufferedReader(_Blocks(blocks)), encoding="utf-8-sig", newline="")
    rows = _read_csv(text, columns, form) if form.type == "CSV" else _read_json(text, columns)
    number = 0
    try:
        for row in rows:
            number += 1
            yield row
    except UnicodeDecodeError as error:
        raise _illegal(path, number, f"it is not UTF-8: {error.reason}") from error
    except (csv.Error, ValueError) as error:
        if isinstance(error, RefusedError):
            raise
        raise _illegal(path, number, f"{error}") from error


def _read_csv(
    text: io.TextIOWrapper, columns: Sequence[str], form: SqlFileFormat
) -> Iterator[list[Value]]:
    lines = (line for line in csv.reader(text, strict=True) if line)
    places = list(range(len(columns)))
    width = len(columns)
    if form.columns:
        header = next(lines, None)
        if header is None:
            return
        missing = [name for name in columns if name not in header]
        if missing:
            raise ValueError(
                f"its header has no column {missing[0]!r}: egress.sql_database.file_format.columns "
                "names those of the header; without it files have none"
            )
        places = [header.index(name) for name in columns]
        width = len(header)
    for line in lines:
        if len(line) != width:
            raise ValueError(f"it has {len(line)} fields, not {width}")
        yield [line[place] or None for place in places]


def _read_json(text: io.TextIOWrapper, columns: Sequence[str]) -> Iterator[list[Value]]:
    for item in _json_values(text):
        for row in item if isinstance(item, list) else [item]:
            if not isinstance(row, dict):
                raise ValueError("it is no JSON object")  # noqa: TRY004 told with its file
            yield [_plain(row.get(name)) for name in columns]


def _json_values(text: io.TextIOWrapper) -> Iterator[Any]:
    held = ""
    for line in text:
        held += line
        if held.lstrip()[:1] == "[":
            held += text.read()
        while held := held.lstrip():
            try:
                value, end = _DECODER.raw_decode(held)
            except JSONDecodeError:
                break  # it goes on in the next line
            held = held[end:]
            yield value
    if held:
        _DECODER.decode(held)  # says what is wrong


def _plain(value: object) -> Value:
    if value is None or isinstance(value, str | int | bool | Decimal):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _illegal(path: str, number: int, why: str) -> RefusedError:
    return RefusedError(
        ErrorCode.EGRESS_ILLEGAL,
        f"{path} cannot be loaded: after {number} good rows: {why}",
        path=path,
        row=number + 1,
    )


class _Blocks(io.RawIOBase):
    """Blocks of bytes as a stream."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # narrower
        if not self._rest:
            self._rest = memoryview(next(self._blocks, b""))
        n_bytes = min(len(buffer), len(self._rest))
        buffer[:n_bytes] = self._rest[:n_bytes]
        self._rest = self._rest[n_bytes:]
        return n_bytes

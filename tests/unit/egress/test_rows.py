"""From the bytes of an output file to rows."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

import pytest

from pfs_provider.egress.rows import read_rows
from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.spec.model import SqlFileFormat


def rows(
    data: bytes, kind: Literal["CSV", "JSON"], columns: Sequence[str] = (), *, step: int = 3
) -> list[list[object]]:
    form = SqlFileFormat(type=kind, columns=tuple(columns))
    blocks = [data[at : at + step] for at in range(0, len(data), step)]
    return [list(row) for row in read_rows(blocks, form, columns or ("a", "b"), "/t/1")]


def test_a_csv_without_columns_of_its_own_has_no_header() -> None:
    assert rows(b'1,"x, y"\r\n2,\n', "CSV") == [["1", "x, y"], ["2", None]]


def test_a_csv_with_columns_begins_with_a_header_in_any_order() -> None:
    data = "\ufeffb,other,a\nä,?,1\n".encode()

    assert rows(data, "CSV", ("a", "b")) == [["1", "ä"]]


def test_a_field_may_hold_line_ends_and_be_long() -> None:
    long = "x" * 200_000

    assert rows(f'"1\n2",{long}\n'.encode(), "CSV", step=4096) == [["1\n2", long]]


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "b": "x"}\n{"a": 2.50}\n',
        '{"a": 1, "b": "x"}{"b": null, "a": 2.50, "c": 0}',
        '[{"a": 1, "b": "x"},\n {"a": 2.50}]',
        '{"a": 1,\n "b": "x"}\n\n{"a":\n2.50}',
    ],
    ids=["lines", "joined", "array", "pretty"],
)
def test_json_is_objects_one_after_the_other_or_one_array(text: str) -> None:
    assert rows(text.encode(), "JSON") == [[1, "x"], [Decimal("2.50"), None]]


def test_a_list_or_an_object_in_json_is_its_text() -> None:
    assert rows(b'{"a": [1, {"x": "\xc3\xa4"}], "b": true}', "JSON") == [['[1, {"x": "ä"}]', True]]


def test_an_empty_file_has_no_rows() -> None:
    assert rows(b"", "CSV") == rows(b"", "CSV", ("a",)) == rows(b"\n", "JSON") == []


@pytest.mark.parametrize(
    ("data", "kind", "columns", "why"),
    [
        (b"1,2\n3\n", "CSV", (), "after 1 good rows: it has 1 fields, not 2"),
        (b"a,c\n1,2\n", "CSV", ("a", "b"), "no column 'b'"),
        (b'1,"2\n', "CSV", (), "after 0 good rows"),
        (b"1,\xff\n", "CSV", (), "not UTF-8"),
        (b'{"a": 1}\n{"a": ', "JSON", (), "after 1 good rows"),
        (b"[1]", "JSON", (), "no JSON object"),
    ],
)
def test_what_is_no_row_is_named_with_its_file(
    data: bytes, kind: Literal["CSV", "JSON"], columns: tuple[str, ...], why: str
) -> None:
    with pytest.raises(RefusedError, match=why) as raised:
        rows(data, kind, columns)
    assert raised.value.code == ErrorCode.EGRESS_ILLEGAL
    assert "/t/1" in str(raised.value)

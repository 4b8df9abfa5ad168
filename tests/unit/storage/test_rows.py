from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pfs_provider.errors import CorruptDataError, ErrorCode
from pfs_provider.storage.formats import Kind, pack_record
from pfs_provider.storage.rows import CELLS, EMPTY_ROWS, Rows, join_rows, merge_rows
from pfs_provider.storage.values import Chunked, Empty, Entry, InPack
from pfs_provider.testing.trees import make_entry

FULL = Entry(
    digest=b"d" * 32,
    size=2**40,
    place=Chunked(),
    modified=datetime(2024, 2, 29, 1, 2, 3, 456789, UTC),
    datum=b"m" * 16,
    executable=True,
)
PACKED = Entry(
    digest=b"e" * 32,
    size=5,
    place=InPack(pack=b"p" * 32, offset=7, stored_size=99, inner_offset=3, compressed=True),
    modified=datetime(1969, 1, 1, tzinfo=UTC),
)
NOTHING = Entry(digest=b"f" * 32, size=0, place=Empty())


def test_every_field_survives_encoding() -> None:
    rows = Rows.from_entries([("/a", FULL), ("/b", PACKED), ("/c", NOTHING)])

    decoded = Rows.decode(rows.encode())

    assert list(decoded.entries()) == [("/a", FULL), ("/b", PACKED), ("/c", NOTHING)]
    assert decoded == rows
    assert rows.total_size == 2**40 + 5
    assert rows.executable == b"\1\0\0"


def test_rows_are_sorted_by_bytes_and_the_later_of_two_counts() -> None:
    rows = Rows.from_entries(
        [("/b", FULL), ("/\U0001f600", FULL), ("/\uffee", FULL), ("/b", PACKED)]
    )

    assert [path for path, _ in rows.entries()] == ["/b", "/\uffee", "/\U0001f600"]
    assert rows.find(b"/b") == PACKED
    assert rows.find(b"/c") is None


def test_no_rows_survive_encoding() -> None:
    assert len(Rows.decode(EMPTY_ROWS.encode())) == 0


def test_a_datum_may_be_given_and_taken() -> None:
    rows = Rows.from_entries([("/a", FULL), ("/b", PACKED)])

    given = rows.with_datum(b"n" * 16)

    assert [entry.datum for _, entry in given.entries()] == [b"n" * 16] * 2
    assert [entry.datum for _, entry in given.with_datum(None).entries()] == [None, None]


def test_merging_lets_the_later_part_win() -> None:
    old, new = make_entry("old"), make_entry("new")
    first = Rows.from_entries([(f"/{n}", old) for n in range(0, 100, 2)])
    second = Rows.from_entries([(f"/{n}", new) for n in range(0, 100, 3)])

    merged = dict(merge_rows([first, second, EMPTY_ROWS]).entries())

    numbers = {n for n in range(100) if n % 2 == 0 or n % 3 == 0}
    assert merged == {f"/{n}": new if n % 3 == 0 else old for n in numbers}
    assert len(merge_rows([])) == 0


def test_joining_keeps_the_order() -> None:
    left, right = (Rows.from_entries([(path, FULL)]) for path in ("/a", "/b"))

    assert join_rows([EMPTY_ROWS, left, right]).paths == [b"/a", b"/b"]


def test_cells_give_the_same_rows_again() -> None:
    rows = Rows.from_entries([("/a", FULL), ("/b", replace(FULL, datum=None, executable=False))])

    cells = list(rows.cells())

    assert {len(each) for each in cells} == {CELLS}
    assert Rows.from_cells(rows.paths, cells) == rows


def test_each_row_can_have_a_datum_of_its_own() -> None:
    rows = Rows.from_entries([("/a", FULL), ("/b", replace(FULL, datum=None))])

    named = rows.with_datums(b"1" * 16 + b"2" * 16)

    assert [entry.datum for _, entry in named.entries()] == [b"1" * 16, b"2" * 16]


@pytest.mark.parametrize("fields", [(), (1, "a"), (1, b"/a", *[b""] * 6), (1, 5, *[b""] * 6)])
def test_columns_that_do_not_fit_are_corrupt(fields: tuple[object, ...]) -> None:
    with pytest.raises(CorruptDataError) as caught:
        Rows.decode(pack_record(Kind.ROWS, fields))

    assert caught.value.code == ErrorCode.RECORD_CORRUPT

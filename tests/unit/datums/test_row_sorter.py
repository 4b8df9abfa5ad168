"""Rows by key: in the order of the keys, and as they were."""

from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.datums.row_sorter import Key, RowSorter
from tests.unit.datums.examples import piece

TEXTS = st.text("\0\1ab\U0001f600\uffff", max_size=3)
KEYS = st.lists(TEXTS, max_size=3).map(tuple)


@given(st.lists(KEYS))
def test_rows_come_by_key_and_those_of_a_key_as_they_were_added(keys: list[Key]) -> None:
    rows = [(piece(f"/{number}"), piece(f"/{number}", repo="b")) for number in range(len(keys))]
    wanted: dict[Key, list[int]] = {}
    with RowSorter() as sorter:
        for number, (key, row) in enumerate(zip(keys, rows, strict=True)):
            sorter.add(key, number, row)
            wanted.setdefault(key, []).append(number)

        found = list(sorter)

    assert [[number for number, _ in each] for each in found] == [wanted[k] for k in sorted(wanted)]
    assert all(row == rows[number] for each in found for number, row in each)


def test_a_row_keeps_all_that_its_pieces_hold() -> None:
    row = (
        piece("/é", name="other", lazy=True, reference=True, join_on="", group_by="g"),
        piece("/d", is_dir=True, size=2**40, digest=b"\xff" * 32),
    )
    with RowSorter() as sorter:
        sorter.add(("k",), 3, row)

        assert list(sorter) == list(sorter) == [[(3, row)]]

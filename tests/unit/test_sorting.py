"""Pairs sorted in bounded memory."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.sorting import Seeker, Sorter

PAIRS = st.lists(st.tuples(st.binary(max_size=3), st.binary(max_size=300)), max_size=60)


@given(pairs=PAIRS, room=st.sampled_from([1, 500, 3000, 1 << 20]))
def test_all_pairs_come_back_by_key_as_often_as_asked(
    pairs: list[tuple[bytes, bytes]], room: int
) -> None:
    with Sorter(room=room) as sorter:
        for key, value in pairs:
            sorter.add(key, value)

        found = list(sorter)

        assert [key for key, _ in found] == sorted(key for key, _ in pairs)
        assert Counter(found) == Counter(pairs)
        assert len(sorter) == len(pairs)
        assert Counter(sorter) == Counter(pairs)


def test_two_readers_go_side_by_side() -> None:
    with Sorter(room=1000) as sorter:
        for number in range(1500):
            sorter.add(b"%04d" % (number * 7 % 1500), b"v")

        assert [one == two for one, two in zip(sorter, sorter, strict=True)] == [True] * 1500


def test_what_is_read_at_once_is_bounded_however_much_there_is() -> None:
    with Sorter(room=1_000_000) as sorter:
        for number in range(20_000):
            sorter.add(b"%05d" % (number * 7919 % 20_000), bytes(100))

        blocks = [len(block) for block in sorter.blocks()]

    assert sum(blocks) == 20_000
    assert max(blocks) < 5_000


@pytest.mark.parametrize("room", [1, 1 << 20])
def test_values_are_found_by_keys_that_ascend(room: int) -> None:
    with Sorter(room=room) as sorter:
        for number in (30, 10, 20):
            sorter.add(b"%d" % number, b"v%d" % number)
        seeker = Seeker(sorter)

        found = [seeker.find(key) for key in (b"05", b"10", b"15", b"30", b"40")]

    assert found == [None, b"v10", None, b"v30", None]


def test_nothing_is_found_where_nothing_is() -> None:
    with Sorter() as sorter:
        assert Seeker(sorter).find(b"a") is None
        assert list(sorter) == []


def test_closing_twice_is_harmless() -> None:
    sorter = Sorter(room=1)
    sorter.add(b"a", b"b")

    sorter.close()
    sorter.close()

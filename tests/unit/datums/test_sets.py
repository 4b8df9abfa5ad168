import pytest

from pfs_provider.datums.sets import MAX_DATUMS, cut_sets
from tests.unit.datums.examples import pfs, spec_of


def _lengths(sizes: list[int], n_workers: int = 1, **wish: int) -> list[int]:
    spec = spec_of(pfs("a"), **({"datum_set_spec": wish} if wish else {}))
    return [len(part) for part in cut_sets(sizes, spec, n_workers)]


def test_no_datums_make_no_sets() -> None:
    assert _lengths([]) == []
    assert _lengths([], per_worker=3) == []


def test_without_a_wish_each_worker_gets_some_four_sets() -> None:
    assert _lengths([1] * 80, 2) == [10] * 8
    assert _lengths([1] * 83, 2) == [10] * 8 + [3]
    assert _lengths([1] * 3, 2) == [1] * 3
    assert _lengths([1] * 8, 0) == [2] * 4


def test_no_set_is_too_large_for_memory_unless_it_is_wished_for() -> None:
    many = [1] * (MAX_DATUMS * 9)

    assert _lengths(many) == [MAX_DATUMS] * 9
    assert _lengths(many, number=len(many)) == [len(many)]
    assert len(_lengths(many, per_worker=2)) == 2


def test_a_number_is_the_length_of_a_set() -> None:
    assert _lengths([1] * 7, number=3) == [3, 3, 1]


def test_a_set_ends_where_it_reaches_the_size() -> None:
    assert _lengths([4, 4, 4, 20, 1], size_bytes=8) == [2, 2, 1]


def test_of_number_and_size_the_one_reached_first_counts() -> None:
    assert _lengths([1, 1, 1, 9, 1, 1], number=2, size_bytes=9) == [2, 2, 2]
    assert _lengths([9, 1, 1, 1], number=2, size_bytes=9) == [1, 2, 1]


def test_sets_per_worker_are_even() -> None:
    assert _lengths([1] * 10, 2, per_worker=2) == [2, 3, 2, 3]
    assert _lengths([1] * 3, 4, per_worker=2) == [1, 1, 1]


@pytest.mark.parametrize("wish", [{}, {"number": 3}, {"size_bytes": 5}, {"per_worker": 2}])
@pytest.mark.parametrize("total", [1, 2, 7, 100])
def test_sets_cover_every_datum_once_and_none_is_empty(total: int, wish: dict[str, int]) -> None:
    spec = spec_of(pfs("a"), **({"datum_set_spec": wish} if wish else {}))

    sets = cut_sets([2] * total, spec, 3)

    assert [at for part in sets for at in part] == list(range(total))
    assert all(sets)

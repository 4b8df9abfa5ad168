from datetime import UTC

from pfs_provider.clock import RandomIds, SystemClock
from pfs_provider.refs.ids import is_id


def test_the_time_is_aware_and_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_a_sleep_is_seen_by_the_monotonic_clock() -> None:
    clock = SystemClock()

    before = clock.monotonic()
    clock.sleep(0.001)

    assert clock.monotonic() - before >= 0.001


def test_ids_have_the_shape_of_ids_and_never_repeat() -> None:
    ids = [RandomIds().new_id() for _ in range(100)]

    assert all(is_id(each) for each in ids)
    assert len(set(ids)) == 100

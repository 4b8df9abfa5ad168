from datetime import UTC

from pfs_provider.clock import RandomIds, SystemClock


def test_now_is_aware_and_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_monotonic_never_goes_back() -> None:
    clock = SystemClock()

    readings = [clock.monotonic() for _ in range(100)]

    assert readings == sorted(readings)


def test_sleep_returns() -> None:
    clock = SystemClock()
    before = clock.monotonic()

    clock.sleep(0.001)

    assert clock.monotonic() >= before + 0.001


def test_ids_are_32_hex_digits_and_never_the_same() -> None:
    ids = RandomIds()

    made = {ids.new_id() for _ in range(1000)}

    assert len(made) == 1000
    assert all(len(each) == 32 and set(each) <= set("0123456789abcdef") for each in made)

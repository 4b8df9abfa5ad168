from datetime import UTC, datetime

import pytest

from pfs_provider.errors import ErrorCode, PfsError
from pfs_provider.storage.handle import ObjectCache, Storage
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.testing.stores import Fault, FaultyStore, fail_always, fail_at


class QuickClock:
    """Waits in no time and remembers how long it was to be."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2024, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.LOST_REQUEST, Fault.LOST_ANSWER])
def test_a_write_with_a_passing_fault_is_repeated_until_it_is_done(fault: Fault) -> None:
    store, clock = MemoryStore(), QuickClock()
    storage = Storage(FaultyStore(store, fail_at(0, fault)), clock=clock)

    storage.put("a", b"x")

    assert store.objects == {"a": b"x"}
    assert len(clock.slept) == 1
    storage.close()


@pytest.mark.parametrize(
    ("fault", "code", "n_calls"),
    [
        (Fault.REFUSED, ErrorCode.STORE_UNAVAILABLE, 4),
        (Fault.LOST_ANSWER, ErrorCode.WRITE_UNKNOWN, 4),
        (Fault.FULL, ErrorCode.STORE_FULL, 1),
    ],
)
def test_a_fault_that_stays_comes_through_after_some_repeats(
    fault: Fault, code: ErrorCode, n_calls: int
) -> None:
    store = FaultyStore(MemoryStore(), fail_always(fault, verb="create"))

    with Storage(store, clock=QuickClock()) as storage, pytest.raises(PfsError) as caught:
        storage.put("a", b"x")

    assert caught.value.code == code
    assert len(store.calls) == n_calls


def test_reading_is_repeated_too() -> None:
    store = MemoryStore()
    store.create("a", b"xyz")
    faulty = FaultyStore(store, fail_at(0, Fault.REFUSED))

    with Storage(faulty, clock=QuickClock()) as storage:
        assert storage.get("a", start=1, stop=2) == b"y"
        assert storage.has("a")


def test_the_cache_drops_what_was_used_longest_ago() -> None:
    cache = ObjectCache(10)
    for name in (b"a", b"b"):
        cache.put(name, name.decode(), 5)
    assert cache.find(b"a") == "a"

    cache.put(b"c", "c", 5)

    assert [cache.find(name) for name in (b"a", b"b", b"c")] == ["a", None, "c"]

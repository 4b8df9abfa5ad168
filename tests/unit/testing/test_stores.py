import pytest

from pfs_provider.errors import ErrorCode, PfsError
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.testing.stores import (
    Fault,
    FaultyStore,
    KilledError,
    OverwritingStore,
    fail_always,
    fail_at,
)


@pytest.mark.parametrize(
    ("fault", "code", "is_done"),
    [
        (Fault.REFUSED, ErrorCode.STORE_UNAVAILABLE, False),
        (Fault.FULL, ErrorCode.STORE_FULL, False),
        (Fault.LOST_REQUEST, ErrorCode.WRITE_UNKNOWN, False),
        (Fault.LOST_ANSWER, ErrorCode.WRITE_UNKNOWN, True),
    ],
)
def test_a_fault_comes_before_or_after_the_work(
    fault: Fault, code: ErrorCode, is_done: bool
) -> None:
    inner = MemoryStore()
    store = FaultyStore(inner, fail_at(1, fault))
    store.create("a", b"x")

    with pytest.raises(PfsError) as caught:
        store.create("b", b"y")

    assert caught.value.code == code
    assert ("b" in inner.objects) == is_done
    assert [(call.number, call.verb, call.key) for call in store.calls] == [
        (0, "create", "a"),
        (1, "create", "b"),
    ]


def test_a_repeated_request_is_told_as_somebody_elses() -> None:
    inner = MemoryStore()

    assert not FaultyStore(inner, fail_at(0, Fault.REPEATED)).create("a", b"x")
    assert inner.objects == {"a": b"x"}


@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
def test_after_a_kill_nothing_works(fault: Fault) -> None:
    inner = MemoryStore()
    store = FaultyStore(inner, fail_at(0, fault))

    with pytest.raises(KilledError):
        store.replace("a", b"x")
    with pytest.raises(KilledError):
        store.find("a")

    assert ("a" in inner.objects) == (fault is Fault.KILLED_AFTER)


def test_damage_shows_in_what_is_read_alone() -> None:
    inner = MemoryStore()
    store = FaultyStore(inner, fail_always(Fault.DAMAGED, verb="read", prefix="a"))
    store.create("a", b"xyz")
    store.create("b", b"xyz")

    assert store.read("a") != b"xyz"
    assert store.read("b") == b"xyz"
    assert inner.objects["a"] == b"xyz"


def test_the_overwriting_store_tells_that_it_is_one() -> None:
    store = OverwritingStore()

    assert store.create("a", b"x")
    assert store.create("a", b"y")
    assert store.read("a") == b"y"
    assert not store.traits.conditional_create

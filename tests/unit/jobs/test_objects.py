import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.errors import NotFoundError, UnavailableError
from pfs_provider.jobs.objects import ATTEMPTS, JobObjects
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.testing.stores import Fault, FaultyStore, fail_always, fail_at


class QuickClock(SystemClock):
    """Does not wait."""

    def sleep(self, seconds: float) -> None:
        del seconds


class HandClock(SystemClock):
    """Moves when somebody waits."""

    time_s = 0.0

    def monotonic(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.time_s += seconds


def objects_of(store: FaultyStore | MemoryStore) -> JobObjects:
    return JobObjects(store, QuickClock())


@pytest.mark.parametrize(
    "fault", [Fault.LOST_ANSWER, Fault.LOST_REQUEST, Fault.REPEATED, Fault.REFUSED]
)
def test_who_creates_an_object_knows_that_it_holds_its_bytes(fault: Fault) -> None:
    store = FaultyStore(MemoryStore(), fail_at(0, fault))

    assert objects_of(store).create("claims/0", b"mine")
    assert store.read("claims/0") == b"mine"


@pytest.mark.parametrize(
    "fault", [Fault.LOST_ANSWER, Fault.LOST_REQUEST, Fault.REPEATED, Fault.REFUSED]
)
def test_who_comes_second_is_told_so_whatever_goes_wrong(fault: Fault) -> None:
    inner = MemoryStore()
    inner.create("claims/0", b"theirs")

    assert not objects_of(FaultyStore(inner, fail_at(0, fault))).create("claims/0", b"mine")
    assert inner.read("claims/0") == b"theirs"


@pytest.mark.parametrize("number", range(4))
def test_every_verb_is_repeated_on_trouble(number: int) -> None:
    inner = MemoryStore()
    inner.create("a", b"1")
    objects = objects_of(FaultyStore(inner, lambda call: _early(call.number, number)))

    assert objects.read("a") == b"1"
    assert [info.key for info in objects.list("")] == ["a"]
    assert objects.find("a") is not None
    objects.replace("a", b"2")
    objects.delete(["b"])
    assert inner.read("a") == b"2"


def _early(call: int, number: int) -> Fault | None:
    return Fault.REFUSED if call % (number + 2) == 0 else None


def test_trouble_that_stays_is_told_after_some_repeats() -> None:
    store = FaultyStore(MemoryStore(), fail_always(Fault.REFUSED))

    with pytest.raises(UnavailableError, match="planned fault"):
        objects_of(store).read("a")

    assert len(store.calls) == ATTEMPTS


def test_who_has_patience_outlasts_longer_trouble() -> None:
    inner = MemoryStore()
    inner.create("a", b"1")
    store = FaultyStore(inner, lambda call: Fault.REFUSED if call.number < 50 else None)
    clock = HandClock()

    assert JobObjects(store, clock, patience_s=120.0).read("a") == b"1"

    store = FaultyStore(inner, fail_always(Fault.REFUSED))
    before = clock.time_s
    with pytest.raises(UnavailableError):
        JobObjects(store, clock, patience_s=60.0).read("a")
    assert 60 <= clock.time_s - before < 70


def test_an_object_that_is_not_there_is_no_trouble() -> None:
    store = FaultyStore(MemoryStore())
    objects = objects_of(store)

    with pytest.raises(NotFoundError):
        objects.read("a")

    assert objects.read_if_there("a") is None
    assert len(store.calls) == 2

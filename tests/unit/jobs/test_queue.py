"""The work queue: who works on which set, over nothing but the store."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pfs_provider.clock import RandomIds
from pfs_provider.jobs.keys import JobRef, parse_job_ref
from pfs_provider.jobs.queue import WorkQueue, read_plan
from pfs_provider.jobs.records import (
    Command,
    DatumRecord,
    PlanRecord,
    SetRecord,
    SetResult,
    encode,
)
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.storage.values import EMPTY_TREE

JOB = parse_job_ref("up@0123456789ab4def8123456789abcdef")
LEASE_S = 30.0


class TurnedClock:
    """Time passes when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


def _plan(store: MemoryStore, n_sets: int) -> PlanRecord:
    plan = PlanRecord(
        project="default",
        pipeline="up",
        spec_version=1,
        job=JOB.id,
        command=Command([], [], {}, [], [], []),
        tries=1,
        datum_timeout_s=None,
        inputs=[],
        total=n_sets,
        skipped=0,
        draft="d",
        set_sizes=[1] * n_sets,
        workers=1,
        skipped_tree=EMPTY_TREE.text,
    )
    for number in range(n_sets):
        datum = DatumRecord(bytes([number]) * 16, b"k" * 32, [])
        store.create(JOB.set("d", number), encode(SetRecord(datums=[datum])))
    store.create(JOB.plan, encode(plan))
    return plan


def _queue(store: MemoryStore, clock: TurnedClock, name: str, *, offset: int = 0) -> WorkQueue:
    plan = read_plan(store, JOB)
    assert plan is not None
    queue = WorkQueue(
        store=store,
        job=JOB,
        plan=plan,
        worker=name,
        incarnation=RandomIds().new_id(),
        clock=clock,
        lease_s=LEASE_S,
        offset=offset,
    )
    queue.beat()
    return queue


def _take(queue: WorkQueue) -> int | None:
    """Take a set, but do not wait for one."""
    looks = iter([False])
    taken = queue.take(lambda: next(looks, True))
    return None if taken is None else taken.number


def _result(worker: str) -> SetResult:
    return SetResult(worker=worker, incarnation=RandomIds().new_id(), datums=[])


def test_there_is_no_plan_before_it_is_made(store: MemoryStore) -> None:
    assert read_plan(store, JOB) is None


def test_workers_take_different_sets_until_none_is_left(
    store: MemoryStore, clock: TurnedClock
) -> None:
    _plan(store, 3)
    one, two = _queue(store, clock, "one"), _queue(store, clock, "two", offset=1)

    first, second = _take(one), _take(two)
    one.deliver(0, _result("one"))
    third = _take(one)
    two.deliver(1, _result("two"))

    assert [first, second, third, _take(two)] == [0, 1, 2, None]


def test_a_queue_ends_when_every_set_has_a_result(store: MemoryStore, clock: TurnedClock) -> None:
    _plan(store, 2)
    one, two = _queue(store, clock, "one"), _queue(store, clock, "two")
    for queue in (one, two):
        taken = queue.take(lambda: False)
        assert taken is not None
        queue.deliver(taken.number, _result(queue.worker))

    assert one.take(lambda: False) is None
    assert two.take(lambda: False) is None


def test_the_first_result_of_a_set_counts(store: MemoryStore, clock: TurnedClock) -> None:
    _plan(store, 1)
    one, two = _queue(store, clock, "one"), _queue(store, clock, "two")

    assert one.deliver(0, _result("one"))
    first = store.read(JOB.result(0))
    assert not two.deliver(0, _result("two"))
    assert store.read(JOB.result(0)) == first


def test_a_result_told_again_is_still_the_first(store: MemoryStore, clock: TurnedClock) -> None:
    _plan(store, 1)
    queue, result = _queue(store, clock, "one"), _result("one")

    assert queue.deliver(0, result)
    assert queue.deliver(0, result)


def test_a_worker_started_again_takes_up_its_set_at_once(
    store: MemoryStore, clock: TurnedClock
) -> None:
    _plan(store, 1)
    assert _take(_queue(store, clock, "one")) == 0

    assert _take(_queue(store, clock, "two")) is None
    assert _take(_queue(store, clock, "one")) == 0


def test_a_set_given_back_is_had_at_once(store: MemoryStore, clock: TurnedClock) -> None:
    _plan(store, 1)
    one, two = _queue(store, clock, "one"), _queue(store, clock, "two")
    _take(one)

    one.give_back()
    one.give_back()

    assert _take(two) == 0


def test_giving_back_does_not_take_from_who_took_over(
    store: MemoryStore, clock: TurnedClock
) -> None:
    _plan(store, 1)
    old, new = _queue(store, clock, "one"), _queue(store, clock, "one")
    _take(old)
    _take(new)

    old.give_back()

    assert _take(_queue(store, clock, "two")) is None


def test_a_set_of_a_silent_worker_is_stolen_after_the_lease(
    store: MemoryStore, clock: TurnedClock
) -> None:
    _plan(store, 1)
    _take(_queue(store, clock, "dead"))
    thief = _queue(store, clock, "thief")

    taken = thief.take(lambda: False)

    assert taken is not None
    assert clock.time > LEASE_S


def test_a_worker_that_gives_signs_of_life_keeps_its_set(
    store: MemoryStore, clock: TurnedClock
) -> None:
    _plan(store, 1)
    slow = _queue(store, clock, "slow")
    _take(slow)
    other = _queue(store, clock, "other")

    for _ in range(5):
        slow.beat()
        assert _take(other) is None
        clock.sleep(LEASE_S * 0.9)


def test_nothing_is_taken_of_a_job_that_is_over(store: MemoryStore, clock: TurnedClock) -> None:
    _plan(store, 1)
    store.create(JOB.stop, b"done")

    assert _queue(store, clock, "one").take(lambda: False) is None


def test_a_worker_that_is_told_to_stop_takes_nothing(
    store: MemoryStore, clock: TurnedClock
) -> None:
    _plan(store, 1)

    assert _queue(store, clock, "one").take(lambda: True) is None
    assert not list(store.list(JOB.claims))


def test_jobs_do_not_see_each_other(store: MemoryStore) -> None:
    _plan(store, 1)
    other = JobRef(replace(JOB.pipeline, name="other"), JOB.id)

    assert read_plan(store, other) is None

"""Reading what workers delivered."""

from typing import TYPE_CHECKING

import pytest

from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.plan import plan_job
from pfs_provider.jobs.records import PlanRecord, SetResult
from pfs_provider.jobs.results import ProgressReader, read_results
from tests.pfs_world import PfsWorld, make_queue, make_session, spec

if TYPE_CHECKING:
    from pfs_provider.jobs.queue import WorkQueue


@pytest.fixture
def planned(world: PfsWorld) -> tuple[JobRef, PlanRecord]:
    world.put(a="1", b="bad", c="3")
    world.pfs.create_pipeline(spec("up", "picky", datum_tries=1, datum_set_spec={"number": 1}))
    job = world.claim("up")
    return job, plan_job(world.jobs, job)


def _reader(world: PfsWorld, planned: tuple[JobRef, PlanRecord]) -> ProgressReader:
    return ProgressReader(world.jobs.objects, *planned)


def test_progress_counts_datums_as_their_sets_come(
    world: PfsWorld, planned: tuple[JobRef, PlanRecord]
) -> None:
    reader = _reader(world, planned)
    before = reader.read()
    make_session(world.storage, planned[0], world.executor, world.folder / "s").run()
    after = reader.read()

    assert (before.sets, before.sets_done, before.total, before.is_done) == (3, 0, 3, False)
    assert (after.sets_done, after.processed, after.failed, after.is_done) == (3, 2, 1, True)
    assert reader.read() == after


def test_the_beat_changes_while_a_worker_lives(
    world: PfsWorld, planned: tuple[JobRef, PlanRecord]
) -> None:
    reader = _reader(world, planned)
    queue = make_queue(world.storage, planned[0])

    queue.beat()
    first = reader.read_with_beat().beat
    silent = reader.read_with_beat().beat
    queue.beat()

    assert first == silent
    assert reader.read_with_beat().beat != first


def test_results_come_in_set_order(world: PfsWorld, planned: tuple[JobRef, PlanRecord]) -> None:
    make_session(world.storage, planned[0], world.executor, world.folder / "s").run()

    found = list(read_results(world.jobs.objects, *planned))

    assert [d.pieces[0].path for result in found for d in result.datums] == ["/a", "/b", "/c"]


def test_a_set_without_a_result_is_named(
    world: PfsWorld, planned: tuple[JobRef, PlanRecord]
) -> None:
    queue: WorkQueue = make_queue(world.storage, planned[0])
    queue.deliver(0, SetResult(worker="w", incarnation="i", datums=[]))

    with pytest.raises(ConflictError, match="set 1 of 3") as raised:
        list(read_results(world.jobs.objects, *planned))

    assert raised.value.code == ErrorCode.JOB_NOT_READY

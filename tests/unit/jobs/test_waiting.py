from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.launcher import WorkersState
from pfs_provider.jobs.waiting import Waiting
from pfs_provider.jobs.watching import Verdict
from tests.pfs_world import PfsWorld, make_session, spec


def _waiting(world: PfsWorld) -> tuple[JobRef, Waiting]:
    world.put(a="1", b="2")
    world.pfs.create_pipeline(spec("up"))
    ref = world.claim("up")
    world.pfs.plan_job(str(ref))
    return ref, world.pfs.wait_for_job(str(ref), owner="test", lease_s=60)


def test_results_are_counted_as_they_come(world: PfsWorld) -> None:
    ref, waiting = _waiting(world)

    before = waiting.look()
    make_session(world.storage, ref, world.executor, world.folder / "s").run()
    after = waiting.look()

    assert (before.is_held, before.is_done) == (True, False)
    assert (before.n_done, before.n_sets) == (0, after.n_sets)
    assert (after.is_held, after.is_done) == (True, True)
    assert after.n_done == after.n_sets


def test_a_look_keeps_the_job(world: PfsWorld) -> None:
    ref, waiting = _waiting(world)
    world.pfs.claim_job("up", owner="test", lease_s=-1)

    assert waiting.look().is_held

    assert world.pfs.claim_job("up", owner="other") is None
    world.pfs.stop_job(str(ref))
    assert not waiting.look().is_held


def test_workers_that_ended_are_judged_by_what_they_left(world: PfsWorld) -> None:
    ref, waiting = _waiting(world)
    ended = WorkersState(alive=0)

    assert waiting.judge(WorkersState(alive=1)) is None
    assert waiting.judge(ended) == Verdict("all workers ended before the work was done")
    make_session(world.storage, ref, world.executor, world.folder / "s").run()
    assert waiting.judge(ended) == Verdict(None)

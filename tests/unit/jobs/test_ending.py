"""A job that is cut short says what its workers had done, and the rest counts as failed."""

from collections import Counter

import pytest

from pfs_provider.errors import NotFoundError
from pfs_provider.infos import JobInfo
from pfs_provider.jobs.ending import send_home
from pfs_provider.jobs.keys import parse_job_ref
from pfs_provider.jobs.launcher import WorkersState
from pfs_provider.jobs.plan import plan_job
from pfs_provider.jobs.watching import begin_watch
from pfs_provider.testing.invariants import check_catalog
from tests.pfs_world import PfsWorld, copy_code, counts, cut_short, spec

ONE_A_SET = {"number": 1}


def _work_some(world: PfsWorld) -> str:
    """Work two of three sets, beside one datum that is skipped, and return the job's name."""
    world.executor.code["some"] = copy_code
    world.put(known="0")
    world.pfs.create_pipeline(spec("up", "some", datum_set_spec=ONE_A_SET))
    world.run()
    world.put(a="1", b="2", c="3")
    job = world.claim("up")
    plan_job(world.jobs, job)
    return cut_short(world, job)


def _check(world: PfsWorld, name: str) -> JobInfo:
    """Return the job after the laws, and that its datums are those that it counts."""
    with world.versions.catalog.read() as tx:
        check_catalog(tx)
    job = world.pfs.inspect_job(name)
    states = Counter(datum.state for datum in world.pfs.list_datums(name))
    said = {
        "success": job.processed,
        "skipped": job.skipped,
        "recovered": job.recovered,
        "failed": job.failed,
    }
    assert states == Counter(said)
    return job


@pytest.mark.parametrize("how", ["stop", "fail", "time-out", "stop pipeline", "update pipeline"])
def test_what_was_done_is_counted_however_the_job_was_cut_short(world: PfsWorld, how: str) -> None:
    name = _work_some(world)
    ref = parse_job_ref(name)

    if how == "stop":
        assert counts(world.pfs.stop_job(name)) == "2+1+0+1/4"
    elif how == "fail":
        assert counts(world.pfs.fail_job(name, "no machine")) == "2+1+0+1/4"
    elif how == "time-out":
        watch = begin_watch(world.jobs, ref, timeout_s=1, waited_s=2)
        watch.judge(WorkersState(alive=1), lambda: False)
    elif how == "stop pipeline":
        world.pfs.stop_pipeline("up")
    else:
        world.pfs.update_pipeline(spec("up", "some", datum_set_spec=ONE_A_SET))

    job = _check(world, name)
    assert counts(job) == "2+1+0+1/4"
    assert job.state == ("failure" if how == "fail" else "killed")
    assert [datum.tries for datum in world.pfs.list_datums(name) if datum.state == "failed"] == [0]


def test_a_job_that_was_killed_before_its_plan_has_no_datums(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    name = str(world.ref("up"))

    assert counts(world.pfs.stop_job(name)) == "0+0+0+0/0"
    assert counts(_check(world, name)) == "0+0+0+0/0"


def test_a_job_that_came_to_its_finish_is_not_counted_again(world: PfsWorld) -> None:
    world.put(a="1", b="bad")
    world.pfs.create_pipeline(spec("up", "picky", datum_tries=1))
    before = world.run_one()

    after = send_home(world.jobs, world.ref("up"), "late").info()

    assert after == before
    assert counts(_check(world, f"up@{after.id}")) == "1+0+0+1/2"


def test_the_workers_of_a_deleted_job_are_told_all_the_same(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    ref = world.ref("up")
    world.pfs.delete_pipeline("up")

    with pytest.raises(NotFoundError):
        send_home(world.jobs, ref, "deleted")

    assert bytes(world.storage.store.read(ref.stop)) == b"the pipeline was deleted"

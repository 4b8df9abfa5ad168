"""What the results of a job come to."""

from pfs_provider.jobs.plan import plan_job
from pfs_provider.jobs.tally import Tally
from tests.pfs_world import PfsWorld, make_session, spec


def test_states_are_counted_and_the_first_failure_is_named(world: PfsWorld) -> None:
    world.put(a="1", b="bad", c="3", d="bad")
    world.pfs.create_pipeline(spec("up", "picky", datum_tries=1))
    job = world.claim("up")
    plan = plan_job(world.jobs, job)
    make_session(world.storage, job, world.executor, world.folder / "s").run()

    with Tally() as tally:
        tally.read(world.jobs, job, plan)

        assert (tally.processed, tally.recovered, tally.failed) == (2, 0, 2)
        assert len(tally.rows) == 2
        assert "default/in@master:/b" in tally.describe_failure()
        assert tally.describe_failure().endswith("; 1 more failed")


def test_a_recovered_datum_leaves_no_record(world: PfsWorld) -> None:
    world.put(a="bad")
    world.pfs.create_pipeline(spec("up", "picky", transform={"err_cmd": ["rest"]}))
    job = world.claim("up")
    plan = plan_job(world.jobs, job)
    make_session(world.storage, job, world.executor, world.folder / "s").run()

    with Tally() as tally:
        tally.read(world.jobs, job, plan)

        assert (tally.processed, tally.recovered, len(tally.rows)) == (0, 1, 0)

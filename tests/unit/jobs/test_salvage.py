"""Successes of jobs that never came to their finish are not lost."""

from pfs_provider.jobs.plan import plan_job
from pfs_provider.jobs.salvage import salvage_results
from tests.pfs_world import PfsWorld, copy_code, counts, cut_short, spec

ONE_A_SET = {"number": 1}


def _work_some(world: PfsWorld) -> str:
    """Work the first two of three sets of a job, and return its name."""
    world.put(a="1", b="2", c="3")
    world.pfs.create_pipeline(spec("up", "some", datum_set_spec=ONE_A_SET))
    job = world.claim("up")
    plan_job(world.jobs, job)
    name = cut_short(world, job)
    world.executor.code["some"] = copy_code
    world.executor.closed = False
    return name


def test_a_killed_jobs_successes_are_not_worked_again(world: PfsWorld) -> None:
    world.pfs.stop_job(_work_some(world))
    world.pfs.rerun_pipeline("up")

    job = world.run_one()

    assert counts(job) == "1+2+0+0/3"
    assert world.read("up@master") == {"/a": "1", "/b": "2", "/c": "3"}


def test_nor_are_those_of_a_job_that_was_given_up_or_updated_away(world: PfsWorld) -> None:
    world.pfs.fail_job(_work_some(world), "no machine")
    world.pfs.update_pipeline(spec("up", "some", datum_set_spec=ONE_A_SET))

    assert counts(world.run_one()) == "1+2+0+0/3"


def test_salvaging_again_changes_nothing(world: PfsWorld) -> None:
    name = _work_some(world)
    world.pfs.stop_job(name)
    key = world.ref("up").pipeline
    salvage_results(world.jobs, key)

    before = world.pfs.last_event_number()
    salvage_results(world.jobs, key)

    assert world.pfs.last_event_number() == before


def test_reprocessing_is_not_cheated(world: PfsWorld) -> None:
    world.pfs.stop_job(_work_some(world))
    world.pfs.update_pipeline(spec("up", "some"), reprocess=True)

    assert counts(world.run_one()) == "3+0+0+0/3"

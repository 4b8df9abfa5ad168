"""Pipelines and jobs, on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest

from pfs_provider.catalog import commits, jobs, pipelines, repos
from pfs_provider.catalog.values import Counts
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, RefusedError
from tests.catalog_world import NOBODY, World, pipe, repo


@pytest.fixture
def world(catalog_url: str) -> Iterator[World]:
    world = World(catalog_url)
    world.repos("A", "B")
    yield world
    world.check()
    world.catalog.close()


def test_a_pipeline_over_an_empty_branch_has_no_job(world: World) -> None:
    made = world.pipeline("P", "A@raw")

    assert (made.version, made.state, made.stopped, made.last_job) == (1, "running", False, None)
    assert world.look("A@raw").head is None
    assert world.jobs() == []


def test_a_pipeline_over_data_has_a_job_at_once(world: World) -> None:
    read = world.land("A")

    world.pipeline("P", "A")

    (job,) = world.jobs("P")
    assert (job.state, job.version) == ("starting", 1)
    assert [pin.id for pin in job.pins] == [read.id]
    assert job.id != read.id
    assert job.info().output_commit == f"default/P@{job.id}"


@pytest.mark.parametrize(
    ("name", "inputs", "error"),
    [
        ("P", ["nowhere"], NotFoundError),
        ("P", ["P"], RefusedError),
        ("A", ["B"], ConflictError),
    ],
)
def test_a_pipeline_that_cannot_be_leaves_nothing(
    world: World, name: str, inputs: list[str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        world.pipeline(name, *inputs)

    with world.catalog.read() as tx:
        assert pipelines.list_pipelines(tx) == ()
        assert [found.key for found in repos.list_repos(tx)] == [repo("A"), repo("B")]


def test_a_pipeline_exists_once(world: World) -> None:
    world.pipeline("P", "A")

    with pytest.raises(ConflictError) as caught:
        world.pipeline("P", "A")

    assert caught.value.code == ErrorCode.PIPELINE_EXISTS


def test_a_claim_lasts_as_long_as_its_lease(world: World) -> None:
    world.land("A")
    world.pipeline("P", "A")

    held = world.claim("x", lease_s=60)
    assert held is not None
    assert (held.state, held.owner, held.started) == ("running", "x", world.clock.now())
    assert world.claim("y") is None
    again = world.claim("x")
    assert again is not None
    assert again.id == held.id

    world.clock.sleep(61)
    taken = world.claim("y")
    assert taken is not None
    assert (taken.id, taken.owner, taken.started) == (held.id, "y", held.started)
    with pytest.raises(ConflictError) as caught, world.act() as tx:
        jobs.renew_lease(tx, pipe("P"), held.id, owner="x", lease_s=60)
    assert caught.value.code == ErrorCode.JOB_TAKEN


def test_a_renewed_lease_lasts_longer(world: World) -> None:
    world.land("A")
    world.pipeline("P", "A")
    held = world.claim("x", lease_s=60)
    assert held is not None

    world.clock.sleep(50)
    with world.act() as tx:
        jobs.renew_lease(tx, pipe("P"), held.id, owner="x", lease_s=60)
    world.clock.sleep(50)

    assert world.claim("y") is None


def test_a_released_job_is_ready_again(world: World) -> None:
    world.land("A")
    world.pipeline("P", "A")
    held = world.claim("x")
    assert held is not None

    with world.act() as tx:
        jobs.release_job(tx, pipe("P"), held.id, owner="y")
        assert jobs.list_ready(tx) == ()
        jobs.release_job(tx, pipe("P"), held.id, owner="x")
        assert [job.id for job in jobs.list_ready(tx)] == [held.id]


def test_jobs_of_one_pipeline_run_one_after_the_other(world: World) -> None:
    world.pipeline("P", "A")
    first, second = world.land("A").id, world.land("A").id

    held = world.claim("x")
    assert held is not None
    assert (held.id, world.states("P")) == (first, ["starting", "running"])
    assert world.claim("y") is None
    with pytest.raises(ConflictError) as caught:
        world.claim("y", pipeline=pipe("P"), job=second)
    assert caught.value.code == ErrorCode.JOB_NOT_READY

    world.end("P", first)
    following = world.claim("y")
    assert following is not None
    assert following.id == second


def test_a_claim_by_name_says_why_not(world: World) -> None:
    world.pipeline("P", "A")
    change = world.land("A").id
    with pytest.raises(NotFoundError):
        world.claim(pipeline=pipe("P"), job=NOBODY)
    world.claim("x")

    with pytest.raises(ConflictError) as taken:
        world.claim("y", pipeline=pipe("P"), job=change)
    world.end("P", change)
    with pytest.raises(ConflictError) as ended:
        world.claim("y", pipeline=pipe("P"), job=change)

    assert (taken.value.code, ended.value.code) == (ErrorCode.JOB_TAKEN, ErrorCode.JOB_FINISHED)
    assert world.claim(pipeline=pipe("P")) is None


def test_ending_a_job_readies_what_is_downstream(world: World) -> None:
    world.pipeline("P", "A")
    world.pipeline("Q", "P")
    change = world.land("A").id

    assert world.work() == [("P", change), ("Q", change)]

    assert world.head("Q").state == "finished"
    assert world.head("Q").tree == f"tree-Q-{change}"


def test_a_failure_makes_all_below_unrunnable_in_the_same_act(world: World) -> None:
    world.pipeline("P", "A")
    world.pipeline("Q", "P")
    world.pipeline("R", "Q", "B")
    change = world.land("A").id
    world.claim()

    world.end("P", change, "failure", reason="datum x failed")

    assert [job.state for job in reversed(world.jobs())] == ["failure", "unrunnable", "unrunnable"]
    assert world.head("P").error == "datum x failed"
    assert f"default/P@{change}" in str(world.head("Q").error)
    assert f"default/Q@{change}" in world.job("R", change).reason


def test_what_comes_after_a_failure_builds_on_the_last_good_state(world: World) -> None:
    world.pipeline("P", "A")
    good = world.land("A").id
    world.work()
    world.land("A")
    world.work("failure")
    newest = world.land("A").id

    with world.catalog.read() as tx:
        previous = jobs.previous_job(tx, pipe("P"), newest)

    assert previous is not None
    assert previous.id == good
    assert world.states("P") == ["starting", "failure", "success"]


def test_a_new_commit_on_an_input_with_an_error_is_unrunnable(world: World) -> None:
    world.pipeline("P", "A")
    world.pipeline("Q", "P", "B")
    world.land("A")
    world.work("failure")

    world.land("B")

    assert world.states("Q") == ["unrunnable", "unrunnable"]
    assert world.head("Q").state == "error"


def test_an_errored_source_makes_its_jobs_unrunnable(world: World) -> None:
    world.pipeline("P", "A")

    world.finish(world.start("A"), error="half")

    assert world.states("P") == ["unrunnable"]


def test_ending_a_job_twice_alike_is_harmless(world: World) -> None:
    world.pipeline("P", "A")
    change = world.land("A").id
    world.claim()
    counts = Counts(total=3, processed=1, skipped=2)

    first = world.end("P", change, counts=counts, manifest="m")
    again = world.end("P", change, counts=counts)

    assert first == again
    assert (first.counts, first.manifest, first.owner) == (counts, "m", None)
    with pytest.raises(ConflictError) as caught:
        world.end("P", change, "failure")
    assert caught.value.code == ErrorCode.JOB_FINISHED


def test_counts_of_a_success_add_up(world: World) -> None:
    world.pipeline("P", "A")
    change = world.land("A").id

    with pytest.raises(RefusedError):
        world.end("P", change, counts=Counts(total=3, processed=1))

    assert world.states("P") == ["starting"]


def test_a_job_is_not_ended_before_its_inputs(world: World) -> None:
    world.pipeline("P", "A")
    world.pipeline("Q", "P")
    change = world.land("A").id

    with pytest.raises(ConflictError) as caught:
        world.end("Q", change)

    assert caught.value.code == ErrorCode.JOB_NOT_READY


def test_progress_is_recorded_until_the_end(world: World) -> None:
    world.pipeline("P", "A")
    change = world.land("A").id
    world.claim()

    with world.act() as tx:
        job = jobs.set_job_state(
            tx, pipe("P"), change, "running", plan="plan", counts=Counts(total=5, processed=2)
        )
        later = jobs.set_job_state(tx, pipe("P"), change, "finishing", expected=("running",))
    assert (job.plan, later.plan, later.state, later.counts.processed) == (
        "plan",
        "plan",
        "finishing",
        2,
    )
    with pytest.raises(ConflictError), world.act() as tx:
        jobs.set_job_state(tx, pipe("P"), change, "egressing", expected=("running",))

    world.end("P", change)
    with pytest.raises(ConflictError), world.act() as tx:
        jobs.set_job_state(tx, pipe("P"), change, "running")


def test_a_stopped_job_is_killed_with_its_commit(world: World) -> None:
    world.pipeline("P", "A")
    world.pipeline("Q", "P")
    change = world.land("A").id
    world.claim()

    with world.act() as tx:
        jobs.stop_job(tx, pipe("P"), change)
        jobs.stop_job(tx, pipe("P"), change)

    assert (world.states("P"), world.states("Q")) == (["killed"], ["unrunnable"])
    with pytest.raises(ConflictError):
        world.end("P", change)


def test_the_counts_of_a_job_that_was_cut_short_add_up_and_are_made_exact(world: World) -> None:
    world.pipeline("P", "A")
    change = world.land("A").id
    world.claim()
    with world.act() as tx:
        planned = Counts(total=5, skipped=1)
        jobs.set_job_state(tx, pipe("P"), change, "running", counts=planned, plan="plan")
        jobs.stop_job(tx, pipe("P"), change)
    assert world.job("P", change).counts == Counts(total=5, skipped=1, failed=4)

    exact = Counts(total=5, skipped=1, processed=3, failed=1)
    with world.act() as tx:
        jobs.recount_job(tx, pipe("P"), change, exact)
    with pytest.raises(RefusedError), world.act() as tx:
        jobs.recount_job(tx, pipe("P"), change, Counts(total=5, processed=1))

    assert world.job("P", change).counts == exact


def test_a_job_that_goes_on_or_was_finished_is_not_counted_again(world: World) -> None:
    world.pipeline("P", "A")
    change = world.land("A").id
    with world.act() as tx:
        assert jobs.recount_job(tx, pipe("P"), change, Counts(total=1, failed=1)).counts == Counts()
    world.claim()
    world.end("P", change, counts=Counts(total=1, processed=1), manifest="manifest")

    with world.act() as tx:
        jobs.recount_job(tx, pipe("P"), change, Counts(total=1, failed=1))

    assert world.job("P", change).counts == Counts(total=1, processed=1)


@pytest.mark.parametrize("state", ["success", "failure", "killed"])
def test_a_job_does_not_end_with_counts_that_do_not_add_up(world: World, state: str) -> None:
    world.pipeline("P", "A")
    change = world.land("A").id
    world.claim()

    with pytest.raises(RefusedError):
        world.end("P", change, state, counts=Counts(total=2, processed=1))


def test_a_jobs_commit_is_no_users_to_finish(world: World) -> None:
    world.pipeline("P", "A")
    change = world.land("A").id

    with pytest.raises(RefusedError) as caught, world.act() as tx:
        commits.finish_downstream(tx, repo("P"), change, tree="t", n_files=1, size=1)

    assert caught.value.code == ErrorCode.OUTPUT_BRANCH


def test_jobs_are_listed_newest_first_by_state(world: World) -> None:
    world.pipeline("P", "A")
    first, second = world.land("A").id, world.land("A").id
    world.claim()
    world.end("P", first)

    with world.catalog.read() as tx:
        assert [job.id for job in jobs.list_jobs(tx, limit=1)] == [second]
        assert [job.id for job in jobs.list_jobs(tx, states=["success"])] == [first]

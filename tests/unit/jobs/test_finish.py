"""finish: from the results of all sets to a finished output commit."""

import pytest

from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.jobs.finish import fail_job, finish_job
from pfs_provider.jobs.plan import plan_job
from tests.pfs_world import PfsWorld, counts, make_session, spec


def _work(world: PfsWorld, name: str) -> str:
    """Claim, plan and work a pipeline's job, and return its name."""
    job = world.claim(name)
    plan_job(world.jobs, job)
    make_session(world.storage, job, world.executor, world.folder / "s").run()
    return str(job)


def test_finishing_twice_is_harmless(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", "upper"))
    name = _work(world, "up")

    first = finish_job(world.jobs, world.ref("up"))
    second = finish_job(world.jobs, world.ref("up"))

    assert first == second
    assert first.state == "success"
    assert world.read(name) == {"/a": "1"}


def test_work_that_is_not_done_cannot_be_finished(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    job = world.claim("up")

    with pytest.raises(ConflictError, match="no plan") as raised:
        finish_job(world.jobs, job)
    assert raised.value.code == ErrorCode.JOB_NOT_READY

    plan_job(world.jobs, job)
    with pytest.raises(ConflictError, match="set 0 of 1") as raised:
        finish_job(world.jobs, job)
    assert raised.value.code == ErrorCode.JOB_NOT_READY
    assert world.pfs.inspect_job(str(job)).state == "running"


def test_a_failed_datum_fails_the_job_and_names_itself(world: PfsWorld) -> None:
    world.put(a="1", b="bad", c="bad too")
    world.pfs.create_pipeline(spec("up", "picky", datum_tries=1))

    job = world.run_one()

    assert job.state == "failure"
    assert counts(job) == "1+0+0+2/3"
    assert "/b" in job.reason
    assert "code 3" in job.reason
    assert "1 more failed" in job.reason
    commit = world.pfs.inspect_commit("up@master")
    assert (commit.state, commit.error) == ("error", job.reason)


def test_successes_of_a_failed_job_are_not_run_again(world: PfsWorld) -> None:
    world.put(a="1", b="bad")
    world.pfs.create_pipeline(spec("up", "picky", datum_tries=1))
    world.run()
    world.put(b="good")

    job = world.run_one()

    assert counts(job) == "1+1+0+0/2"
    assert world.read("up@master") == {"/a": "1", "/b": "good"}


def test_content_that_comes_back_is_not_run_again(world: PfsWorld) -> None:
    for text in ("A", "B"):
        world.put(a=text)
        if text == "A":
            world.pfs.create_pipeline(spec("up"))
        world.run()
    world.put(a="A")

    job = world.run_one()

    assert counts(job) == "0+1+0+0/1"
    assert world.read("up@master") == {"/a": "A"}


def test_recovered_datums_give_nothing_and_run_again(world: PfsWorld) -> None:
    world.put(a="1", b="bad")
    world.pfs.create_pipeline(spec("up", "picky", transform={"err_cmd": ["rest"]}))

    first = world.run_one()
    world.put(c="3")
    second = world.run_one()

    assert (first.state, counts(first)) == ("success", "1+0+1+0/2")
    assert (second.state, counts(second)) == ("success", "1+1+1+0/3")
    assert world.read("up@master") == {"/a": "1", "/c": "3"}


def test_outputs_of_vanished_and_changed_datums_go(world: PfsWorld) -> None:
    world.put(a="1", b="2", c="3")
    world.pfs.create_pipeline(spec("up"))
    world.run()
    world.commit("in@master", {"/a": None, "/b": "changed"})

    world.run()

    assert world.read("up@master") == {"/b": "changed", "/c": "3"}


def test_the_output_of_a_job_builds_on_the_last_one_that_succeeded(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", "picky", datum_tries=1))
    world.run()
    world.put(b="bad")
    world.run()
    world.commit("in@master", {"/b": None, "/c": "3"})

    job = world.run_one()

    assert counts(job) == "1+1+0+0/2"
    assert world.read("up@master") == {"/a": "1", "/c": "3"}


def test_two_datums_on_one_path_fail_the_job_with_both_names(world: PfsWorld) -> None:
    world.commit("in@master", {"/d/x": "1", "/e/x": "2"})
    world.pfs.create_pipeline(spec("up", "join", glob="/*/x"))

    job = world.run_one()

    assert job.state == "failure"
    assert "/all" in job.reason
    assert all(datum.id in job.reason for datum in world.pfs.list_datums(f"up@{job.id}"))
    assert counts(job) == "2+0+0+0/2"


@pytest.mark.parametrize(("policy", "text"), [("overwrite", "2"), ("concat", "12")])
def test_a_policy_allows_two_datums_on_one_path(world: PfsWorld, policy: str, text: str) -> None:
    world.commit("in@master", {"/d/x": "1", "/e/x": "2"})
    world.pfs.create_pipeline(spec("up", "join", glob="/*/x", output_conflict=policy))

    world.run()

    assert world.read("up@master") == {"/all": text}


def test_every_job_is_worked_anew_where_the_spec_says_so(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", reprocess_spec="every_job"))
    world.run()
    world.put(b="2")

    job = world.run_one()

    assert counts(job) == "2+0+0+0/2"
    assert world.read("up@master") == {"/a": "1", "/b": "2"}


def test_no_datums_are_a_success_without_files(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", glob="/none/*"))

    job = world.run_one()

    assert (job.state, counts(job)) == ("success", "0+0+0+0/0")
    assert world.read("up@master") == {}


def test_a_job_that_cannot_be_worked_is_failed_with_all_its_datums(world: PfsWorld) -> None:
    world.put(a="1", b="2")
    world.pfs.create_pipeline(spec("up"))
    job = world.claim("up")
    plan_job(world.jobs, job)

    with world.versions.catalog.write() as tx:
        failed = fail_job(tx, job, "no machine")
    with world.versions.catalog.write() as tx:
        again = fail_job(tx, job, "another reason")

    assert (failed.state, failed.reason, failed.counts.failed) == ("failure", "no machine", 2)
    assert again == failed
    assert world.pfs.inspect_commit("up@master").error == "no machine"


def test_a_job_that_was_killed_meanwhile_stays_killed(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    name = _work(world, "up")
    world.pfs.stop_job(name)

    assert finish_job(world.jobs, world.ref("up")).state == "killed"

"""Jobs through the façade: for people, and plan, work, finish for any scheduler."""

import pytest

from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError
from pfs_provider.worker.executors.port import Task
from tests.pfs_world import PfsWorld, copy_code, counts, make_session, spec


def test_a_scheduler_needs_three_verbs_and_each_may_be_repeated(world: PfsWorld) -> None:
    world.put(a="1", b="2")
    world.pfs.create_pipeline(spec("up"))

    claimed = world.pfs.claim_job("up", owner="dag/run/task")
    assert claimed is not None
    assert world.pfs.claim_job("up", owner="dag/run/task") == claimed
    assert world.pfs.claim_job("up", owner="another") is None
    name = f"up@{claimed.id}"
    plan = world.pfs.plan_job(name, workers=2)
    assert world.pfs.plan_job(name) == plan
    assert (plan.total, plan.skipped, plan.workers, plan.sets) == (2, 0, 2, 2)
    make_session(world.storage, world.ref("up"), world.executor, world.folder / "s").run()
    done = world.pfs.finish_job(name)

    assert (done.state, counts(done)) == ("success", "2+0+0+0/2")
    assert world.pfs.finish_job(name) == done
    assert world.pfs.claim_job("up", owner="dag/run/task") is None


def test_progress_is_seen_from_any_process(world: PfsWorld) -> None:
    world.put(a="1", b="bad")
    world.pfs.create_pipeline(spec("up", "picky", datum_tries=1))
    name = str(world.claim("up"))
    with pytest.raises(ConflictError) as raised:
        world.pfs.job_progress(name)
    assert raised.value.code == ErrorCode.JOB_NOT_READY
    world.pfs.plan_job(name)

    before = world.pfs.job_progress(name)
    make_session(world.storage, world.ref("up"), world.executor, world.folder / "s").run()
    after = world.pfs.job_progress(name)

    assert (before.sets_done, after.sets_done) == (0, after.sets)
    assert before.beat != after.beat
    assert counts(world.pfs.inspect_job(name)) == "1+0+0+1/2"
    assert world.pfs.inspect_job(name).state == "running"


def test_a_job_that_is_stopped_ends_its_commit_and_what_is_below(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("one"))
    world.pfs.create_pipeline(spec("two", repo="one"))
    name = str(world.ref("one"))

    stopped = world.pfs.stop_job(name)

    assert (stopped.state, world.pfs.stop_job(name).state) == ("killed", "killed")
    assert world.pfs.inspect_commit("one@master").state == "error"
    assert world.pfs.list_jobs("two")[0].state == "unrunnable"
    assert world.run() == []


def test_a_finished_job_is_not_stopped(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    world.run()

    with pytest.raises(ConflictError) as raised:
        world.pfs.stop_job(str(world.ref("up")))

    assert raised.value.code == ErrorCode.JOB_FINISHED


def test_a_scheduler_may_give_a_job_up(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    name = str(world.claim("up"))

    failed = world.pfs.fail_job(name, "the pods cannot be started")

    assert (failed.state, failed.reason) == ("failure", "the pods cannot be started")


def test_logs_are_those_of_the_newest_job_unless_one_is_named(world: PfsWorld) -> None:
    def speak(task: Task) -> int:
        with task.log.open("a") as log:
            log.write((task.root / "in" / "a").read_text() + "\n")
        return copy_code(task)

    world.executor.code["speak"] = speak
    world.pfs.create_pipeline(spec("up", "speak"))
    with pytest.raises(NotFoundError) as raised:
        list(world.pfs.logs("up"))
    assert raised.value.code == ErrorCode.JOB_NOT_FOUND
    old = world.put(a="old")
    world.run()
    world.put(a="new")
    world.run()

    assert [line.text for line in world.pfs.logs("up")] == ["new"]
    assert [line.text for line in world.pfs.logs(job=f"up@{old}")] == ["old"]
    (line,) = world.pfs.logs()
    assert [again.text for again in world.pfs.logs("up", datum=line.datum)] == ["new"]
    assert list(world.pfs.logs("up", datum="0" * 32)) == []


def test_events_are_read_on_from_any_number(world: PfsWorld) -> None:
    start = world.pfs.last_event_number()
    change = world.put(a="1")

    found = world.pfs.list_events(after=start)

    assert [event.number for event in found] == list(
        range(start + 1, world.pfs.last_event_number() + 1)
    )
    assert {event.commit for event in found if event.kind == "commit-finished"} == {change}
    assert world.pfs.list_events(after=start, limit=1) == found[:1]


def test_lists_are_of_all_pipelines_or_of_one_and_may_be_cut(world: PfsWorld) -> None:
    for name in ("one", "two"):
        world.pfs.create_pipeline(spec(name))
    world.put(a="1")
    world.put(a="2")

    assert len(world.pfs.list_jobs()) == 4
    assert len(world.pfs.list_jobs("one")) == 2
    assert len(world.pfs.list_jobs(limit=3)) == 3
    assert world.pfs.last_event_number() > 0


def test_previews_take_several_specs(world: PfsWorld) -> None:
    world.put(a="1", b="2")

    found = list(world.pfs.preview_datums([spec("one"), spec("two", glob="/a")]))

    assert [datum.files[0].rpartition(":")[2] for datum in found] == ["/a", "/b", "/a"]

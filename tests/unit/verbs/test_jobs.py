"""Jobs through the façade: for people, and plan, work, finish for any scheduler."""

from datetime import timedelta
from typing import Any

import pytest

from pfs_provider.errors import (
    ConflictError,
    ErrorCode,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
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
    with pytest.raises(NotFoundError) as unknown:
        list(world.pfs.logs("up", datum="0" * 32))
    assert unknown.value.code == ErrorCode.DATUM_NOT_FOUND


def test_logs_are_those_of_the_newest_job_that_ran_what_is_asked_for(world: PfsWorld) -> None:
    def speak(task: Task) -> int:
        for file in sorted((task.root / "in").iterdir()):
            with task.log.open("a") as log:
                log.write(file.read_text() + "\n")
        return copy_code(task)

    def texts(*args: str, **more: Any) -> list[str]:
        return [line.text for line in world.pfs.logs(*args, **more)]

    world.executor.code["speak"] = speak
    world.pfs.create_pipeline(spec("up", "speak"))
    world.put(a="old", b="other")
    world.run()
    second = world.put(a="new")
    world.run()
    third = world.put(b=None)
    world.run()

    assert texts("up") == ["new"]  # the third job skipped all it had
    assert texts("up", inputs=["in:/b"]) == ["other"]
    assert texts("up", inputs=["/b"], tail=1) == ["other"]
    assert sorted(texts("up", since="1h")) == ["new", "old", "other"]
    assert texts("up", since="1h", tail=1) == ["new"]
    assert texts("up", since=timedelta(0)) == []
    assert texts(job=f"up@{second}", follow=True) == ["new"]
    assert texts(job=f"up@{third}") == []
    for inputs, words in ((["/a"], "skipped"), (["/b"], "no datum of /b"), (["/a", "/b"], "/b")):
        with pytest.raises(NotFoundError, match=words) as unknown:
            texts(job=f"up@{third}", inputs=inputs)
        assert unknown.value.code == ErrorCode.DATUM_NOT_FOUND


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"since": "yesterday"}, ErrorCode.TIME_ILLEGAL),
        ({"inputs": ["a"]}, ErrorCode.PATH_ILLEGAL),
        ({"tail": -1}, ErrorCode.SETTINGS_ILLEGAL),
    ],
    ids=["since", "inputs", "tail"],
)
def test_what_no_log_can_be_asked_for_is_refused_at_once(
    world: PfsWorld, wrong: dict[str, Any], code: ErrorCode
) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))

    with pytest.raises(RefusedError) as raised:
        world.pfs.logs("up", **wrong)

    assert raised.value.code == code


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


def test_a_job_is_waited_for_whoever_runs_it(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    name = f"up@{world.pfs.list_jobs('up')[0].id}"

    with pytest.raises(UnavailableError, match="after 0 s: is something running it"):
        world.pfs.wait_job(name, timeout=0)
    done = world.run_one()

    assert world.pfs.wait_job(name) == done
    with pytest.raises(NotFoundError):
        world.pfs.wait_job(f"up@{'1' * 32}")

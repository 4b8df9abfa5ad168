"""A session: one worker's part in one job."""

import pytest

from pfs_provider.errors import ErrorCode, UnavailableError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.plan import plan_job
from pfs_provider.jobs.queue import read_plan
from pfs_provider.jobs.results import ProgressReader
from pfs_provider.worker.executors.port import Task
from tests.pfs_world import PfsWorld, copy_code, make_queue, make_session, spec


@pytest.fixture
def job(world: PfsWorld) -> JobRef:
    world.put(a="1", b="2", c="3", d="4")
    world.pfs.create_pipeline(spec("up", "code", datum_set_spec={"number": 2}))
    claimed = world.claim("up")
    plan_job(world.jobs, claimed)
    return claimed


def _n_done(world: PfsWorld, job: JobRef) -> int:
    plan = read_plan(world.storage.store, job)
    assert plan is not None
    return ProgressReader(world.storage.store, job, plan).read().sets_done


def test_a_session_works_until_nothing_is_left(world: PfsWorld, job: JobRef) -> None:
    world.executor.code["code"] = copy_code

    make_session(world.storage, job, world.executor, world.folder / "s").run()
    make_session(world.storage, job, world.executor, world.folder / "s", number=1).run()

    assert _n_done(world, job) == 2
    assert len(world.executor.tasks) == 4
    assert world.pfs.finish_job(str(job)).state == "success"


def test_a_session_that_is_stopped_gives_its_set_back(world: PfsWorld, job: JobRef) -> None:
    session = make_session(world.storage, job, world.executor, world.folder / "s")

    def stop_at_third(task: Task) -> int:
        if (task.root / "in" / "c").exists():
            session.stop.set()
        return copy_code(task)

    world.executor.code["code"] = stop_at_third
    session.run()

    assert _n_done(world, job) == 1
    other = make_queue(world.storage, job, number=1)
    taken = other.take(lambda: False)
    assert taken is not None
    assert taken.number == 1


def test_a_session_ends_with_its_job(world: PfsWorld, job: JobRef) -> None:
    world.executor.code["code"] = copy_code
    world.pfs.stop_job(str(job))

    make_session(world.storage, job, world.executor, world.folder / "s").run()

    assert world.executor.tasks == []


def test_trouble_gives_the_set_back_and_is_told(world: PfsWorld, job: JobRef) -> None:
    def trouble(task: Task) -> int:
        raise UnavailableError(ErrorCode.SANDBOX_UNAVAILABLE, "no namespaces here")

    world.executor.code["code"] = trouble

    with pytest.raises(UnavailableError, match="no namespaces"):
        make_session(world.storage, job, world.executor, world.folder / "s").run()

    taken = make_queue(world.storage, job, number=1).take(lambda: False)
    assert taken is not None
    assert taken.number == 0


def test_each_datum_has_a_log_of_its_own(world: PfsWorld, job: JobRef) -> None:
    def speak(task: Task) -> int:
        with task.log.open("a") as log:
            log.write(f"{task.env['in']}\n")
        return copy_code(task)

    world.executor.code["code"] = speak
    make_session(world.storage, job, world.executor, world.folder / "s").run()
    world.pfs.finish_job(str(job))

    by_datum = {line.datum: line.text for line in world.pfs.logs(job=str(job))}
    files = {d.id: d.files[0] for d in world.pfs.list_datums(str(job))}
    assert len(by_datum) == 4
    for datum, text in by_datum.items():
        assert files[datum].endswith(text.removeprefix("/pfs/in"))


@pytest.mark.parametrize("verb", ["stop", "update", "delete"])
def test_workers_of_a_job_end_with_what_is_done_to_its_pipeline(
    world: PfsWorld, job: JobRef, verb: str
) -> None:
    world.executor.code["code"] = copy_code
    if verb == "update":
        world.pfs.update_pipeline(spec("up", "code", datum_set_spec={"number": 1}))
    else:
        getattr(world.pfs, f"{verb}_pipeline")("up")

    make_session(world.storage, job, world.executor, world.folder / "s").run()

    assert world.executor.tasks == []


@pytest.mark.parametrize("what", ["repo", "change"])
def test_workers_of_a_job_end_when_what_they_read_is_deleted(
    world: PfsWorld, job: JobRef, what: str
) -> None:
    world.executor.code["code"] = copy_code
    if what == "repo":
        world.pfs.delete_repo("in", force=True)
    else:
        world.pfs.delete_commit(job.id)

    make_session(world.storage, job, world.executor, world.folder / "s").run()

    assert world.executor.tasks == []

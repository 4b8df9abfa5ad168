"""Restarting datums at work, with a worker beside."""

import select
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError
from pfs_provider.jobs.datum_choice import DatumChoice
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.plan import plan_job
from pfs_provider.jobs.restarts import restart_datums
from pfs_provider.worker.executors.port import Task
from tests.pfs_world import PfsWorld, copy_code, counts, make_session, spec

A = DatumChoice(inputs=["/a"])


@pytest.fixture
def job(world: PfsWorld) -> JobRef:
    world.put(a="1", b="2")
    world.pfs.create_pipeline(spec("up", "code", datum_tries=1, datum_set_spec={"number": 1}))
    claimed = world.claim("up")
    plan_job(world.jobs, claimed)
    return claimed


def _soon(world: PfsWorld) -> Jobs:
    """The world's jobs, where an answer is waited for less long."""
    return replace(world.jobs, lease_s=2.0)


def _wishes(world: PfsWorld, job: JobRef) -> list[str]:
    return [info.key for info in world.jobs.objects.list(job.restart(""))]


def test_the_datum_at_work_begins_again_and_the_others_do_not(world: PfsWorld, job: JobRef) -> None:
    runs: list[str] = []
    at_a = threading.Event()

    def code(task: Task) -> int:
        name = "a" if (task.root / "in" / "a").exists() else "b"
        runs.append(name)
        if runs != ["a"]:
            return copy_code(task)
        at_a.set()
        assert task.interrupt is not None
        poll = select.poll()  # as an executor does
        poll.register(task.interrupt, select.POLLIN)
        assert poll.poll(30_000)
        return -9

    world.executor.code["code"] = code
    session = make_session(world.storage, job, world.executor, world.folder / "s")
    session.queue.lease_s = 2.0

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(session.run)
        assert at_a.wait(30)
        with pytest.raises(ConflictError) as raised:
            restart_datums(_soon(world), job, DatumChoice(inputs=["/b"]))
        restarted = restart_datums(world.jobs, job, DatumChoice())
        working.result()

    assert raised.value.code == ErrorCode.DATUM_NOT_RUNNING
    assert [one.files[0].partition(":")[2] for one in restarted] == ["/a"]
    assert runs == ["a", "a", "b"]
    assert _wishes(world, job) == []
    assert counts(world.pfs.finish_job(str(job))) == "2+0+0+0/2"
    assert {one.tries for one in world.pfs.list_datums(str(job))} == {1}


def test_a_datum_that_nobody_is_at_is_told_and_nothing_stays(world: PfsWorld, job: JobRef) -> None:
    with pytest.raises(ConflictError, match="no worker is at it") as raised:
        restart_datums(_soon(world), job, A)

    assert raised.value.code == ErrorCode.DATUM_NOT_RUNNING
    assert _wishes(world, job) == []


def test_a_datum_with_a_result_is_told_at_once(world: PfsWorld, job: JobRef) -> None:
    world.executor.code["code"] = copy_code
    make_session(world.storage, job, world.executor, world.folder / "s").run()

    with pytest.raises(ConflictError, match="it is success") as raised:
        restart_datums(world.jobs, job, A)

    assert raised.value.code == ErrorCode.DATUM_NOT_RUNNING


def test_what_the_job_does_not_have_is_not_found(world: PfsWorld, job: JobRef) -> None:
    for choice in (DatumChoice(datum="ff"), DatumChoice(inputs=["/c"])):
        with pytest.raises(NotFoundError, match=str(choice)) as raised:
            restart_datums(world.jobs, job, choice)
        assert raised.value.code == ErrorCode.DATUM_NOT_FOUND


def test_a_job_that_has_ended_is_told_so(world: PfsWorld, job: JobRef) -> None:
    world.pfs.stop_job(str(job))

    with pytest.raises(ConflictError, match="killed") as raised:
        restart_datums(world.jobs, job, A)

    assert raised.value.code == ErrorCode.JOB_FINISHED


def test_a_job_without_a_plan_has_no_datum_at_work(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))

    with pytest.raises(ConflictError, match="starting and has no plan yet") as raised:
        restart_datums(world.jobs, world.ref("up"), A)

    assert raised.value.code == ErrorCode.DATUM_NOT_RUNNING

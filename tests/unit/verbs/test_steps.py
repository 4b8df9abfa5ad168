"""Jobs in steps through the façade, with real workers: what a scheduler that sleeps calls."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.errors import ConflictError, ErrorCode, RefusedError
from pfs_provider.jobs.launcher import Workers
from pfs_provider.pfs import Pfs
from tests.pfs_world import counts

COPY = "cp -r /pfs/in/. /pfs/out/"
ME = "dag/run/task"


@pytest.fixture
def pfs(tmp_path: Path) -> Iterator[Pfs]:
    with Pfs(home=tmp_path / "home") as opened:
        opened.create_repo("in")
        yield opened


def _create(pfs: Pfs, command: str = COPY, *, puts: int = 1) -> list[str]:
    pfs.create_pipeline(
        {
            "pipeline": {"name": "up"},
            "transform": {"cmd": ["sh", "-c", command]},
            "input": {"pfs": {"repo": "in", "glob": "/*"}},
        }
    )
    return [f"up@{pfs.put_file(f'in@master:/{number}', b'x').id}" for number in range(puts)]


def _wait(pfs: Pfs, job: str, workers: Workers) -> str | None:
    waiting = pfs.wait_for_job(job, owner=ME)
    clock, end = SystemClock(), SystemClock().monotonic() + 30
    while not waiting.look().is_done:
        verdict = waiting.judge(workers.poll())
        if verdict is not None:
            return verdict.problem
        assert clock.monotonic() < end
        clock.sleep(0.05)
    return None


def test_a_job_is_begun_waited_for_and_ended_and_then_there_is_none(pfs: Pfs) -> None:
    (job,) = _create(pfs)

    turn = pfs.begin_job("up", owner=ME)

    assert turn.job is not None
    assert turn.workers is not None
    assert turn.job.state == "running"
    assert _wait(pfs, job, turn.workers) is None
    turn.workers.stop()
    ended = pfs.end_job(job, owner=ME)
    assert ended is not None
    assert (ended.state, counts(ended)) == ("success", "1+0+0+0/1")
    assert pfs.end_job(job, owner=ME) == ended
    assert pfs.begin_job("up", owner=ME).job is None


def test_a_job_without_work_is_ended_as_it_is_begun(pfs: Pfs) -> None:
    _create(pfs, puts=0)
    with pfs.commit("in@master"):
        pass

    turn = pfs.begin_job("up", owner=ME)

    assert turn.job is not None
    assert (turn.job.state, turn.workers) == ("success", None)


def test_a_job_that_another_holds_is_waited_for(pfs: Pfs) -> None:
    (job,) = _create(pfs)
    pfs.claim_job("up", owner="other", lease_s=3600)

    turn = pfs.begin_job("up", owner=ME)

    assert turn.job is None
    assert turn.others_work
    assert pfs.do_others_work("up", owner=ME)
    assert pfs.end_job(job, owner=ME) is None
    pfs.give_back_job(job, owner="other", reason="stopped")
    assert not pfs.do_others_work("up", owner=ME)
    assert pfs.inspect_job(job).reason == "stopped"


def test_a_problem_fails_the_job(pfs: Pfs) -> None:
    (job,) = _create(pfs)
    pfs.claim_job("up", owner=ME)
    pfs.plan_job(job)

    ended = pfs.end_job(job, owner=ME, problem="the image cannot be pulled")

    assert ended is not None
    assert (ended.state, ended.reason) == ("failure", "the image cannot be pulled")


def test_single_workers_of_one_job_are_started_apart(pfs: Pfs) -> None:
    pfs.create_repo("unused")
    (_, job) = _create(pfs, puts=2)
    first = pfs.begin_job("up", owner=ME)
    assert first.job is not None
    assert first.workers is not None
    _wait(pfs, f"up@{first.job.id}", first.workers)
    first.workers.stop()
    pfs.end_job(f"up@{first.job.id}", owner=ME)
    pfs.claim_job("up", owner=ME)
    pfs.plan_job(job)

    workers = pfs.start_worker(job, number=1, of=2, name="mine")

    assert _wait(pfs, job, workers) is None
    workers.stop()
    assert pfs.finish_job(job).state == "success"


def test_a_worker_that_is_started_apart_has_the_secrets_of_its_spec(pfs: Pfs) -> None:
    check = 'test "$PASSWORD" = zebra-hunter && cp /pfs/in/* /pfs/out/'
    secrets = [{"name": "db", "key": "password", "env_var": "PASSWORD"}]
    document = {
        "pipeline": {"name": "up"},
        "input": {"pfs": {"repo": "in", "glob": "/*"}},
        "transform": {"cmd": ["sh", "-c", check], "secrets": secrets},
    }
    pfs.create_pipeline(document)
    pfs.put_file("in@master:/a", b"1")
    claimed = pfs.claim_job("up", owner=ME)
    assert claimed is not None
    job = f"up@{claimed.id}"
    pfs.plan_job(job)

    with pytest.raises(RefusedError) as missing:
        pfs.start_worker(job, number=0, of=1, name="mine")
    data = {"password": "zebra-hunter"}
    pfs.create_secret({"kind": "Secret", "metadata": {"name": "db"}, "stringData": data})
    workers = pfs.start_worker(job, number=0, of=1, name="mine")

    assert missing.value.code == ErrorCode.SECRET_MISSING
    assert _wait(pfs, job, workers) is None
    workers.stop()
    assert pfs.finish_job(job).state == "success"


def test_what_cannot_be_begun_says_why(pfs: Pfs) -> None:
    (job,) = _create(pfs)

    with pytest.raises(RefusedError) as caught:
        pfs.begin_job("up", owner=ME, workers=0)
    assert caught.value.code == ErrorCode.SETTINGS_ILLEGAL
    with pytest.raises(ConflictError) as unplanned:
        pfs.wait_for_job(job, owner=ME)
    assert unplanned.value.code == ErrorCode.JOB_NOT_READY

from pathlib import Path

import pytest

from pfs_provider.airflow.detached import print_line, start_detached
from pfs_provider.airflow.processes import end_process, is_alive
from pfs_provider.clock import SystemClock
from pfs_provider.pfs import Pfs
from tests.unit.airflow.test_checks import copy_spec


def _wait_until_dead(name: str) -> None:
    clock = SystemClock()
    end = clock.monotonic() + 30
    while is_alive(name):
        assert clock.monotonic() < end, "the detached run did not end"
        clock.sleep(0.05)


def _one_job(home: Path, command: str) -> str:
    with Pfs(home=home) as pfs:
        pfs.create_repo("images")
        pfs.create_pipeline(copy_spec(command))
        with pfs.commit("images@master") as commit:
            commit.put_file("/a", b"x")
    return f"copy@{commit.id}"


def test_a_detached_run_does_the_jobs_and_says_so(pfs_home: Path) -> None:
    job = _one_job(pfs_home, "cp -r /pfs/images/. /pfs/out/")

    name, log = start_detached(
        {"home": str(pfs_home)}, pipeline="copy", executor="process", owner="task"
    )
    _wait_until_dead(name)

    assert f"{job} success 1 + 0 / 1" in log.read_text()
    with Pfs(home=pfs_home) as pfs:
        assert pfs.inspect_job(job).state == "success"
    log.unlink()


def test_ended_it_gives_the_job_back_and_leaves_no_worker(pfs_home: Path) -> None:
    job = _one_job(pfs_home, "sleep 600")
    name, log = start_detached(
        {"home": str(pfs_home)}, pipeline="copy", executor="process", owner="task"
    )
    clock = SystemClock()
    end = clock.monotonic() + 30
    while "running" not in log.read_text():
        assert clock.monotonic() < end
        clock.sleep(0.05)

    assert end_process(name)
    _wait_until_dead(name)

    with Pfs(home=pfs_home) as pfs:
        again = pfs.claim_job("copy", owner="somebody else")
    assert again is not None
    assert f"copy@{again.id}" == job
    log.unlink()


def test_no_line_is_printed_for_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    print_line(None)
    print_line("x")

    assert capsys.readouterr().out == "x\n"

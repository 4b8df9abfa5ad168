"""Several schedulers and several workers on the same jobs: each job ends once, each datum once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pfs_provider.jobs.keys import parse_job_ref
from pfs_provider.jobs.records import Claim, decode
from pfs_provider.pfs import Pfs
from tests.portraits import portrait_of

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import sys
from pfs_provider.pfs import Pfs
with Pfs(home=sys.argv[1]) as pfs:
    print("ready", flush=True)
    sys.stdin.readline()
    print(*[f"{job.pipeline}@{job.id}" for job in pfs.run(workers=2)], flush=True)
"""
SLOW = ["sleep 0.2", "cat /pfs/in/* > /pfs/out/$(basename /pfs/in/*)"]


def make_pipelines(pfs: Pfs, *, n_files: int, lines: list[str]) -> None:
    pfs.create_repo("in")
    pfs.create_pipeline(
        {
            "pipeline": {"name": "up"},
            "input": {"pfs": {"repo": "in", "glob": "/*"}},
            "transform": {"cmd": ["sh"], "stdin": lines},
            "datumSetSpec": {"number": 1},
        }
    )
    pfs.create_pipeline(
        {
            "pipeline": {"name": "all"},
            "input": {"pfs": {"repo": "up", "glob": "/"}},
            "transform": {"cmd": ["sh"], "stdin": ["cat /pfs/up/* > /pfs/out/all"]},
        }
    )
    with pfs.commit("in@master") as c:
        for number in range(n_files):
            c.put_file(f"/{number}", f"{number}\n".encode())


def wait_until(is_so: Callable[[], bool], *, timeout_s: float = 30) -> None:
    end = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def claims(pfs: Pfs, job: str, number: int) -> dict[int, str]:
    """Who claimed a set, by epoch."""
    ref, objects = parse_job_ref(job), pfs._jobs.objects
    prefix = ref.claim(number, 0).removesuffix("000000")
    return {
        int(info.key[len(prefix) :]): decode(objects.read(info.key), Claim, name="claim").worker
        for info in objects.list(prefix)
    }


def stop_at_work(pfs: Pfs, job: str, pid: int) -> int:
    """Stop worker 0 while it holds a set that has no result; return the set's number."""

    def held() -> int | None:
        ref, objects = parse_job_ref(job), pfs._jobs.objects
        for number in range(pfs.job_progress(job).sets):
            holders = list(claims(pfs, job, number).values())
            is_open = objects.find(ref.result(number)) is None
            if is_open and len(holders) == 1 and holders[0].endswith("-0"):
                return number
        return None

    while True:
        wait_until(lambda: held() is not None)
        os.kill(pid, signal.SIGSTOP)
        number = held()  # it may have delivered just before
        if number is not None:
            return number
        os.kill(pid, signal.SIGCONT)


@pytest.mark.timeout(120)
def test_two_schedulers_at_once_run_each_job_once(pfs_home: Path) -> None:
    with Pfs(home=pfs_home) as pfs:
        make_pipelines(pfs, n_files=4, lines=SLOW)
        pfs.put_file("in@master:/more", b"more\n")
        runners = [
            subprocess.Popen(
                [sys.executable, "-c", RUN, str(pfs_home)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        for runner in runners:
            assert runner.stdout is not None
            assert runner.stdout.readline() == "ready\n"

        said = [runner.communicate("go\n", timeout=100)[0].split() for runner in runners]

        assert [runner.returncode for runner in runners] == [0, 0]
        ended = [job for jobs in said for job in jobs]
        assert sorted(ended) == sorted(f"{job.pipeline}@{job.id}" for job in pfs.list_jobs())
        assert {job.state for job in pfs.list_jobs()} == {"success"}
        told = [event for event in pfs.list_events() if event.state == "success"]
        assert len(told) == len(ended) == 4
        assert pfs.read_file("all@master:/all") == b"0\n1\n2\n3\nmore\n"
        portrait_of(pfs, pfs._jobs)


@pytest.mark.timeout(120)
def test_the_set_of_a_stopped_worker_is_taken_over_after_its_lease(
    pfs_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PFS_LEASE_S", "2")
    with Pfs(home=pfs_home) as pfs:
        make_pipelines(pfs, n_files=16, lines=SLOW)
        job = pfs.claim_job("up", owner="test", lease_s=600)
        assert job is not None
        ref = f"up@{job.id}"
        assert pfs.plan_job(ref, workers=2).sets == 16
        workers = pfs.launch_job(ref, workers=2)
        try:
            stopped = workers._processes[0]._process.pid  # type: ignore[attr-defined]  # local ones
            left = stop_at_work(pfs, ref, stopped)

            wait_until(lambda: pfs.job_progress(ref).is_done)

            assert pfs.finish_job(ref).state == "success"
            assert max(claims(pfs, ref, left)) > 0
            os.kill(stopped, signal.SIGCONT)
            wait_until(lambda: workers.poll().alive == 0)
        finally:
            workers.stop()
        told = pfs.inspect_job(ref)
        assert (told.processed, told.total) == (16, 16)
        found = {info.path for info in pfs.list_files("up@master:/")}
        assert found == {f"/{number}" for number in range(16)}
        portrait_of(pfs, pfs._jobs)

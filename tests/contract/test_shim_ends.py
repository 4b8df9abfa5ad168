"""Two containers, either of which may end and come back at any time."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, FailedError, UnavailableError
from tests.contract.shim_pod import Pod
from tests.contract.test_executor import ROOT, find_processes, wait_for


def wait_for_end(pid: int, timeout_s: float = 45) -> None:
    wait_for(lambda: not Path(f"/proc/{pid}").exists(), timeout_s=timeout_s)


def test_a_worker_that_comes_first_waits_for_the_container(empty_pod: Pod) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(empty_pod.run, "true")
        time.sleep(0.3)
        empty_pod.start()

        assert running.result(20).exit_code == 0


def test_a_container_that_never_comes_is_told(empty_pod: Pod) -> None:
    empty_pod.open(come_back_s=0.2)

    with pytest.raises(UnavailableError, match="container 'user'") as caught:
        empty_pod.run("true")

    assert caught.value.code == ErrorCode.SANDBOX_UNAVAILABLE


def test_close_ends_the_wait_for_a_container(empty_pod: Pod) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(empty_pod.run, "true")
        time.sleep(0.1)
        empty_pod.executor.close()

        with pytest.raises(FailedError, match="closed"):
            running.result(5)


def test_a_container_that_is_killed_is_the_end_of_the_try_and_not_of_the_worker(pod: Pod) -> None:
    pod.open(memory_limit="64Mi")
    mark = f"86405.{os.getpid()}"

    for _ in range(3):
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(pod.run, "sleep", mark)
            wait_for(lambda: find_processes(f"sleep\0{mark}") != [])
            killed_at = time.monotonic()
            pod.kill_shim()
            outcome = running.result(10)

        assert time.monotonic() - killed_at < 1
        assert (outcome.exit_code, outcome.signal, outcome.timed_out) == (
            None,
            signal.SIGKILL,
            False,
        )
        assert "container of the user code was killed" in outcome.note
        assert "memory than its limit of 64Mi" in outcome.note
        wait_for(lambda: find_processes(mark) == [], timeout_s=1)
        assert pod.sh("echo again") == "again\n"


def test_a_command_that_alone_is_killed_may_have_used_too_much_memory(pod: Pod) -> None:
    outcome = pod.run("sh", "-c", "kill -9 $$")

    assert outcome.signal == signal.SIGKILL
    assert "memory" in outcome.note
    assert pod.run("sh", "-c", "kill -15 $$").note == ""
    assert pod.run("sleep", "9", timeout_s=0.1).note == ""


def test_a_container_that_ends_between_tasks_is_waited_for(pod: Pod) -> None:
    for number in (signal.SIGKILL, signal.SIGTERM):
        pod.sh("true")
        shim = pod.kill_shim(number)
        wait_for_end(shim)

        assert pod.sh("echo again") == "again\n"


@pytest.mark.parametrize("script", ["true", "trap '' TERM INT; while :; do sleep 9; done"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_shim_ends_within_a_second_of_being_asked(
    pod: Pod, script: str, number: signal.Signals
) -> None:
    pod.run("true")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(pod.run, "sh", "-c", script)
        time.sleep(0.3)

        shim = pod.kill_shim(number)

        wait_for_end(shim, timeout_s=1)
        running.result(10)


def test_a_worker_that_takes_over_ends_what_the_one_before_it_had_running(pod: Pod) -> None:
    mark = f"86406.{os.getpid()}"
    program = (
        "import sys; from pathlib import Path\n"
        "from pfs_provider.clock import SystemClock\n"
        "from pfs_provider.worker.executors.shim import ShimExecutor\n"
        "from pfs_provider.worker.executors.port import Task\n"
        "shim, root, log, mark = sys.argv[1:]\n"
        "cmd = ('sh', '-c', 'setsid sleep ' + mark + ' & sleep ' + mark)\n"
        "task = Task(root=Path(root), cmd=cmd, env={}, log=Path(log))\n"
        "ShimExecutor(Path(shim), clock=SystemClock()).run(task)\n"
    )
    paths = (str(path) for path in (pod.shim, pod.root, pod.log))
    command = [sys.executable, "-c", program, *paths, mark]
    worker = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_for(lambda: find_processes(f"sleep\0{mark}") != [])
    finally:
        worker.kill()
        worker.wait()
    assert find_processes(f"sleep\0{mark}") != []

    assert pod.sh("echo mine") == "mine\n"
    assert find_processes(mark) == []

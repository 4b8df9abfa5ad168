import os
import subprocess
import sys

from pfs_provider.airflow.processes import end_process, is_alive, process_name

SLEEPER = [sys.executable, "-c", "input()"]


def test_a_process_lives_until_it_is_ended() -> None:
    process = subprocess.Popen(SLEEPER, stdin=subprocess.PIPE)
    name = process_name(process.pid)
    assert is_alive(name) is True

    assert end_process(name)
    process.communicate()

    assert process.returncode == -15
    assert is_alive(name) is False
    assert not end_process(name)


def test_a_process_that_nobody_has_waited_for_is_dead() -> None:
    process = subprocess.Popen(SLEEPER, stdin=subprocess.PIPE)
    name = process_name(process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    assert is_alive(name) is False

    process.communicate()


def test_a_pid_used_again_is_another_process() -> None:
    machine, pid, _ = process_name(os.getpid()).split("/")

    assert is_alive(f"{machine}/{pid}/1") is False


def test_nothing_is_known_of_another_machine_s_processes() -> None:
    name = f"elsewhere/{os.getpid()}/1"

    assert is_alive(name) is None
    assert not end_process(name)

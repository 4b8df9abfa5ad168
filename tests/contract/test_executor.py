"""What every executor does, with namespaces or without."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, FailedError
from pfs_provider.worker.executors.interrupt import Interrupt
from pfs_provider.worker.executors.logs import list_parts
from tests.contract.executors import PATH, SITUATIONS, SPAWNED, Bench, open_bench

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=SITUATIONS)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with open_bench(request.param) as bench:
        yield bench


def test_a_command_reads_its_input_and_leaves_its_output(bench: Bench) -> None:
    outcome = bench.run("sh", "-c", "tr a-z A-Z < /pfs/in/a.txt > /pfs/out/b.txt")

    assert outcome.exit_code == 0
    assert outcome.signal is None
    assert not outcome.timed_out
    assert outcome.started <= outcome.finished
    assert (bench.out / "b.txt").read_text() == "HELLO\n"


def test_the_environment_is_the_given_one_to_the_letter(bench: Bench) -> None:
    env = {"PATH": PATH, "in": "x y", "raw-data_COMMIT": "1", "EMPTY": "", "UTF": "ü\udcff"}

    bench.run("env", env=env)

    lines = bench.log.read_text(errors="surrogateescape").splitlines()
    if bench.situation == "container":  # an image and its engine have variables of their own
        lines = [line for line in lines if line.partition("=")[0] in env]
    assert sorted(lines) == sorted(f"{name}={value}" for name, value in env.items())


@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_the_exit_code_comes_back(bench: Bench, code: int) -> None:
    outcome = bench.run("sh", "-c", f"exit {code}")

    assert (outcome.exit_code, outcome.signal) == (code, None)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_the_signal_that_ended_a_command_comes_back(bench: Bench, number: signal.Signals) -> None:
    outcome = bench.run("sh", "-c", f"kill -{number.value} $$")

    assert (outcome.exit_code, outcome.signal) == (None, number)


def test_input_lines_far_larger_than_a_pipe_arrive_whole(bench: Bench) -> None:
    lines = tuple(f"{n:09} {'x' * 90}" for n in range(40_000))

    bench.run("sh", "-c", "cat > /pfs/out/copy", stdin=lines)

    assert (bench.out / "copy").read_text().splitlines() == list(lines)


def test_a_command_need_not_read_its_input_lines(bench: Bench) -> None:
    outcome = bench.run("true", stdin=("x" * 1000,) * 10_000)

    assert outcome.exit_code == 0


def test_without_input_lines_there_is_nothing_to_read(bench: Bench) -> None:
    assert bench.sh("wc -c").strip() == "0"


def test_output_and_errors_are_appended_in_the_order_written(bench: Bench) -> None:
    for _ in range(2):
        bench.run("sh", "-c", "echo 1; echo 2 >&2; echo 3")

    assert bench.log.read_text() == "1\n2\n3\n" * 2


def test_output_without_a_last_newline_is_kept(bench: Bench) -> None:
    assert bench.sh("printf abc") == "abc"


@pytest.mark.parametrize("trap", ["", "trap '' TERM INT HUP; "])
def test_a_task_is_ended_from_another_thread_and_the_next_one_runs(bench: Bench, trap: str) -> None:
    interrupt = Interrupt()
    script = f"{trap}(sleep 60) & echo started; sleep 60; echo survived"

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(bench.run, "sh", "-c", script, interrupt=interrupt)
        wait_for(lambda: bench.log.exists() and "started" in bench.log.read_text())
        interrupt.set()
        outcome = running.result()
    interrupt.clear()
    after = bench.run("true", interrupt=interrupt)
    interrupt.close()

    assert (outcome.exit_code, outcome.signal, outcome.timed_out) == (None, signal.SIGKILL, False)
    assert outcome.finished - outcome.started < timedelta(seconds=30)
    assert "survived" not in bench.log.read_text()
    assert after.exit_code == 0


def test_a_timeout_ends_the_command_and_all_that_it_started(bench: Bench) -> None:
    mark = f"86400.{os.getpid()}"
    script = f"trap '' TERM INT; setsid sleep {mark} & sleep {mark} & sleep {mark}"

    outcome = bench.run("sh", "-c", script, timeout_s=0.3)

    assert outcome.timed_out
    assert (outcome.exit_code, outcome.signal) == (None, signal.SIGKILL)
    assert 0.3 <= (outcome.finished - outcome.started).total_seconds() < 10
    assert find_processes(mark) == []


def test_what_a_command_leaves_running_is_dead_when_run_returns(bench: Bench) -> None:
    mark = f"86401.{os.getpid()}"
    beat = "trap '' TERM HUP; while :; do echo x >> /pfs/out/beat; sleep 0.01; done"
    script = f'setsid sh -c "{beat}" & (setsid sleep {mark} &) ; sleep 0.1; exit 5'

    outcome = bench.run("sh", "-c", script)

    assert outcome.exit_code == 5
    assert find_processes(mark) == []
    size = (bench.out / "beat").stat().st_size
    time.sleep(0.1)
    assert (bench.out / "beat").stat().st_size == size > 0


def test_a_daemon_that_keeps_the_log_open_holds_nobody_up(bench: Bench) -> None:
    before = time.monotonic()

    assert bench.sh("sleep 30 & echo done") == "done\n"
    assert time.monotonic() - before < 10


def test_a_command_has_no_descriptors_but_three(bench: Bench) -> None:
    # Not through `ls`, which would count the shell's: /proc/self is the one who lists.
    said = bench.sh("exec ls -l /proc/self/fd")

    numbers = [int(found) for found in re.findall(r" (\d+) -> ", said)]
    assert numbers[:3] == [0, 1, 2]
    assert len(numbers) == 4  # and the listed folder itself


def test_a_command_starts_with_default_signals_in_a_session_of_its_own(bench: Bench) -> None:
    said = bench.sh("grep -E '^Sig(Ign|Blk)' /proc/self/status; cut -d' ' -f1,6 /proc/$$/stat")

    *masks, numbers = said.splitlines()
    assert len(masks) == 2
    # 32 and 33 are the C library's own: its posix_spawn ignores them on purpose.
    assert all(int(mask.split()[1], 16) & 0x7FFFFFFF == 0 for mask in masks)
    pid, session = numbers.split()
    assert pid == session


def test_an_unknown_command_is_named_with_the_path_searched(bench: Bench) -> None:
    with pytest.raises(FailedError, match=r"'nope'.*PATH was searched: '/x:/y'") as caught:
        bench.run("nope", env={"PATH": "/x:/y"})

    assert caught.value.code == ErrorCode.COMMAND_NOT_FOUND


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        pytest.param(None, 0, "there is no such file", id="missing"),
        pytest.param("#!/bin/sh\n", 0o644, "not executable", id="not-executable"),
        pytest.param("#!/no/such/sh\n", 0o755, "interpreter", id="no-interpreter"),
        pytest.param("echo\n", 0o755, "#! line", id="no-first-line"),
    ],
)
def test_a_command_that_cannot_run_is_named_with_the_reason(
    bench: Bench, content: str | None, mode: int, reason: str
) -> None:
    tool = bench.root / "in" / "tool"
    if content is not None:
        tool.write_text(content)
        tool.chmod(mode)

    with pytest.raises(FailedError, match=reason) as caught:
        bench.run("/pfs/in/tool")

    assert caught.value.code == ErrorCode.COMMAND_NOT_FOUND
    assert "/in/tool" in str(caught.value)


def test_a_relative_command_is_looked_up_in_the_working_dir(bench: Bench) -> None:
    tool = bench.root / "in" / "tool"
    tool.write_text("#!/bin/sh\npwd\n")
    tool.chmod(0o755)

    bench.run("./tool", working_dir="/pfs/in")

    assert bench.log.read_text().rstrip().endswith("/in")


def test_a_missing_working_dir_is_named(bench: Bench) -> None:
    with pytest.raises(FailedError, match="working_dir '/no/such'") as caught:
        bench.run("true", working_dir="/no/such")

    assert caught.value.code == ErrorCode.WORKING_DIR_NOT_FOUND


def test_without_a_working_dir_a_command_starts_where_it_may_write(bench: Bench) -> None:
    assert bench.sh("ls; echo x > scratch; cat scratch") == "x\n"


def test_of_too_much_output_the_first_and_the_last_stay_and_the_command_is_not_held_up(
    bench: Bench,
) -> None:
    outcome = bench.run(
        "sh", "-c", "head -c 50000000 /dev/zero | tr '\\0' x; echo end", max_log_bytes=1 << 20
    )

    parts = list_parts(bench.log)
    kept = sum(part.size for part in parts)
    assert outcome.exit_code == 0
    assert outcome.n_log_bytes_dropped == 50_000_004 - kept
    assert (1 << 20) - (1 << 16) <= kept <= 1 << 20
    assert parts[0].path.read_bytes() == b"x" * (1 << 16)
    assert parts[-1].path.read_bytes().endswith(b"xend\n")


def test_commands_run_side_by_side(bench: Bench) -> None:
    def run(number: int) -> str:
        log = bench.folder / f"log{number}"
        bench.executor.run(replace(bench.task("sh", "-c", f"sleep 0.3; echo {number}"), log=log))
        return log.read_text()

    before = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(run, range(8)))

    assert said == [f"{number}\n" for number in range(8)]
    # A user container has one /pfs: there they take turns.
    assert bench.situation in {"shim", "container"} or time.monotonic() - before < 0.3 * 8


def test_close_ends_what_runs_and_says_so(bench: Bench) -> None:
    mark = f"86402.{os.getpid()}"
    caught: list[BaseException] = []

    def run() -> None:
        try:
            bench.run("sh", "-c", f"trap '' TERM; setsid sleep {mark}")
        except FailedError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: find_processes(mark) != [])
    bench.executor.close()
    thread.join(10)

    assert [error.code for error in caught if isinstance(error, FailedError)] == ["worker-failed"]
    assert find_processes(mark) == []
    bench.executor.close()
    with pytest.raises(FailedError, match="closed"):
        bench.run("true")


@pytest.mark.parametrize("bench", SPAWNED, indirect=True)
def test_a_killed_spawner_takes_its_tasks_along_and_is_replaced(bench: Bench) -> None:
    mark = f"86403.{os.getpid()}"
    bench.run("true")
    (spawner,) = find_spawners()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(bench.run, "sleep", mark)
        wait_for(lambda: find_processes(mark) != [])
        os.kill(spawner, signal.SIGKILL)
        with pytest.raises(FailedError) as caught:
            running.result(10)

    assert caught.value.code == ErrorCode.WORKER_FAILED
    wait_for(lambda: find_processes(mark) == [])
    assert bench.run("true").exit_code == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_worker_leaves_no_process(bench: Bench, number: signal.Signals) -> None:
    mark = f"86404.{os.getpid()}"
    program = (
        "import sys; from tests.contract.executors import open_bench\n"
        "with open_bench(sys.argv[1]) as bench:\n"
        "    bench.run('sh', '-c', 'trap \"\" TERM INT HUP; setsid sleep ' + sys.argv[2])\n"
    )
    # A killed worker cannot clean up: what it leaves lies in the bench's folder.
    env = os.environ | {"TMPDIR": str(bench.folder)}
    command = [sys.executable, "-c", program, bench.situation, mark]
    worker = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: find_processes(f"sleep\0{mark}") != [])

        os.kill(worker.pid, number)
        worker.wait(20)
    finally:
        worker.kill()

    wait_for(lambda: find_processes(mark) == [])


def wait_for(fact: Callable[[], bool], timeout_s: float = 45) -> None:
    end = time.monotonic() + timeout_s
    while not fact():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def find_processes(mark: str) -> list[int]:
    """Return the processes of this machine whose command line holds the mark, but this one."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        if mark.encode() in line and int(path.parts[2]) != os.getpid():
            found.append(int(path.parts[2]))
    return found


def find_spawners() -> list[int]:
    """Return the spawners that this process has started."""
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [
        int(pid)
        for path in children
        for pid in path.read_text().split()
        if b"spawner.main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]

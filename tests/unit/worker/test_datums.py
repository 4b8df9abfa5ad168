"""One datum: its tries, its recovery, its result whatever user code does."""

from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from pfs_provider.errors import ErrorCode, FailedError, UnavailableError
from pfs_provider.jobs.plan import plan_job
from pfs_provider.jobs.records import DatumRecord, DatumResult
from pfs_provider.storage.content import ContentWriter
from pfs_provider.worker.executors.port import Outcome, Task
from tests.pfs_world import (
    PfsWorld,
    PythonExecutor,
    copy_code,
    make_queue,
    make_worker,
    spec,
    write,
)

if TYPE_CHECKING:
    from pfs_provider.jobs.queue import WorkQueue
    from pfs_provider.worker.datums import DatumWorker


class Bench:
    """One planned job of one datum, and a worker for it."""

    def __init__(self, world: PfsWorld, **document: Any) -> None:
        world.put(a="1")
        world.pfs.create_pipeline(spec("up", "code", **document))
        job = world.claim("up")
        plan_job(world.jobs, job)
        self.world = world
        self.stop = Event()
        self.queue: WorkQueue = make_queue(world.storage, job)
        self.worker: DatumWorker = make_worker(
            world.storage, self.queue, world.executor, world.folder / "s", stop=self.stop
        )
        taken = self.queue.take(lambda: False)
        assert taken is not None
        self.datum: DatumRecord = taken.record.datums[0]
        self.writer = ContentWriter(world.storage)

    def work(self) -> DatumResult:
        worked = self.worker.set_aside(self.worker.work(self.datum))
        self.worker.keep(worked, self.writer)
        return worked.result

    def output(self) -> list[str]:
        return [path for rows in self.writer.finish() for path, _ in rows.entries()]


def _codes(world: PfsWorld, *codes: int) -> None:
    """User code that ends with one code after the other, and copies where it ends well."""
    left = list(codes)

    def code(task: Task) -> int:
        status = left.pop(0)
        return copy_code(task) if status == 0 else status

    world.executor.code["code"] = code


def test_a_success_has_its_files_its_times_and_its_code(world: PfsWorld) -> None:
    _codes(world, 0)
    bench = Bench(world)

    result = bench.work()

    assert (result.state, result.tries, result.exit_code, result.reason) == ("success", 1, 0, "")
    assert result.started <= result.finished
    assert result.pieces[0].path == "/a"
    assert bench.output() == ["/a"]


@pytest.mark.parametrize(
    ("codes", "tries", "state", "code"),
    [
        ([0], 3, "success", 0),
        ([1, 0], 3, "success", 0),
        ([1, 2, 0], 3, "success", 0),
        ([1, 2, 3], 3, "failed", 3),
        ([1], 1, "failed", 1),
        ([-9], 1, "failed", 137),
    ],
)
def test_a_datum_is_tried_as_often_as_the_spec_says(
    world: PfsWorld, codes: list[int], tries: int, state: str, code: int
) -> None:
    _codes(world, *codes)
    bench = Bench(world, datum_tries=tries)

    result = bench.work()

    assert (result.state, result.tries, result.exit_code) == (state, len(codes), code)
    assert bool(result.reason) == (state == "failed")


def test_every_try_begins_on_fresh_files(world: PfsWorld) -> None:
    seen: list[tuple[str, bool]] = []

    def spoil(task: Task) -> int:
        seen.append(((task.root / "in" / "a").read_text(), (task.root / "out" / "x").exists()))
        (task.root / "in" / "a").write_text("spoilt")
        write(task, "x", b"left over")
        return 1

    world.executor.code["code"] = spoil
    bench = Bench(world, datum_tries=2)

    bench.work()

    assert seen == [("1", False), ("1", False)]
    assert bench.output() == []


def test_accepted_codes_are_successes(world: PfsWorld) -> None:
    def leave(task: Task) -> int:
        copy_code(task)
        return 7

    world.executor.code["code"] = leave
    bench = Bench(world, transform={"accept_return_code": [7]})

    result = bench.work()

    assert (result.state, result.exit_code) == ("success", 7)
    assert bench.output() == ["/a"]


def test_a_recovery_gives_no_files_and_no_further_try(world: PfsWorld) -> None:
    _codes(world, 1)
    bench = Bench(world, transform={"err_cmd": ["rest"], "err_stdin": ["x"]})

    result = bench.work()

    assert (result.state, result.tries, result.exit_code) == ("recovered", 1, 1)
    assert bench.output() == []
    assert [task.cmd for task in world.executor.tasks] == [("code",), ("rest",)]
    assert world.executor.tasks[1].stdin == ("x",)


@pytest.mark.parametrize("err_cmd", ["fail", "no-such-command"])
def test_a_recovery_that_fails_leaves_the_tries(world: PfsWorld, err_cmd: str) -> None:
    _codes(world, 1, 0)
    bench = Bench(world, transform={"err_cmd": [err_cmd]})

    assert (bench.work().state, bench.output()) == ("success", ["/a"])


def test_a_command_that_is_not_there_is_not_tried_again(world: PfsWorld) -> None:
    world.executor.code.pop("code", None)
    bench = Bench(world)

    result = bench.work()

    assert (result.state, result.tries, result.exit_code) == ("failed", 1, 127)
    assert "'code'" in result.reason


def test_output_that_cannot_be_stored_fails_the_try(world: PfsWorld) -> None:
    def link(task: Task) -> int:
        (task.root / "out" / "bad").symlink_to("/etc/passwd")
        return 0

    world.executor.code["code"] = link
    bench = Bench(world, datum_tries=2)

    result = bench.work()

    assert (result.state, result.tries, result.exit_code) == ("failed", 2, 0)
    assert "/pfs/out/bad" in result.reason
    assert bench.output() == []


def test_a_timeout_says_so(world: PfsWorld) -> None:
    bench = Bench(world, datum_timeout="2s", datum_tries=1)

    class Slow:
        def run(self, task: Task) -> Outcome:
            assert task.timeout_s == 2.0
            now = world.jobs.clock.now()
            return Outcome(exit_code=None, signal=9, timed_out=True, started=now, finished=now)

        def close(self) -> None:
            pass

    bench.worker.executor = Slow()

    result = bench.work()

    assert (result.state, result.exit_code) == ("failed", 137)
    assert "datum_timeout (2.0 s)" in result.reason


def test_a_worker_that_is_to_stop_gives_no_result(world: PfsWorld) -> None:
    def stop(task: Task) -> int:
        bench.stop.set()
        return copy_code(task)

    world.executor.code["code"] = stop
    bench = Bench(world)

    with pytest.raises(InterruptedError):
        bench.work()


def test_user_code_gets_its_environment_and_none_of_the_workers(
    world: PfsWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    _codes(world, 0)
    bench = Bench(
        world, transform={"env": {"MINE": "1"}, "stdin": ["line"], "working_dir": "/pfs/in"}
    )
    bench.worker.hidden = (tmp_path,)

    bench.work()

    (task,) = world.executor.tasks
    job = bench.queue.plan.job
    assert task.env["MINE"] == "1"
    assert task.env["in"] == "/pfs/in/a"
    assert task.env["in_COMMIT"] == world.pfs.inspect_branch("in@master").head
    for name in ("PACH_JOB_ID", "PFS_JOB_ID", "PACH_OUTPUT_COMMIT_ID"):
        assert task.env[name] == job
    assert task.env["PACH_DATUM_ID"] == task.env["PFS_DATUM_ID"] == bench.datum.id.hex()
    assert task.env["PPS_PIPELINE_NAME"] == "up"
    assert "secret" not in task.env.values()
    assert (task.stdin, task.working_dir, task.hidden) == (("line",), "/pfs/in", (tmp_path,))


def test_nothing_of_a_datum_stays_on_the_machine(world: PfsWorld) -> None:
    _codes(world, 0)
    bench = Bench(world)

    bench.work()

    assert list(bench.worker.root.iterdir()) == []


def test_an_executor_that_fails_gives_no_result_so_that_the_datum_is_run_again(
    world: PfsWorld,
) -> None:
    _codes(world, 0)
    bench = Bench(world)
    world.executor.close()

    with pytest.raises(FailedError) as caught:
        bench.work()

    assert caught.value.code == ErrorCode.WORKER_FAILED
    world.executor.closed = False
    assert bench.work().state == "success"


def test_an_executor_that_fails_in_err_cmd_gives_no_result_either(world: PfsWorld) -> None:
    def code(task: Task) -> int:
        world.executor.close()
        return 1

    world.executor.code["code"] = code
    bench = Bench(world, transform={"err_cmd": ["rest"]})

    with pytest.raises(FailedError, match="closed"):
        bench.work()


def _ended_from_outside(bench: Bench, *codes: int) -> list[str]:
    """User code that is restarted in its first runs and ends with these codes, then copies."""
    ran: list[str] = []
    left = list(codes)

    def code(task: Task) -> int:
        ran.append(task.cmd[0])
        if left:
            assert bench.worker.running == bench.datum.id
            assert bench.worker.restart(bench.datum.id)
            return left.pop(0)
        return copy_code(task)

    bench.world.executor.code |= {"code": code, "rest": code}
    return ran


@pytest.mark.parametrize("codes", [(-9,), (0,), (1, -9, -9, 0)], ids=str)
def test_a_restart_is_no_try_however_user_code_ended(
    world: PfsWorld, codes: tuple[int, ...]
) -> None:
    bench = Bench(world, datum_tries=1)
    ran = _ended_from_outside(bench, *codes)

    result = bench.work()

    assert (result.state, result.tries, result.reason) == ("success", 1, "")
    assert len(ran) == len(codes) + 1
    assert bench.output() == ["/a"]


@pytest.mark.parametrize("code", [-9, 0])
def test_a_restart_while_it_recovers_runs_the_datum_anew(world: PfsWorld, code: int) -> None:
    bench = Bench(world, datum_tries=1, transform={"err_cmd": ["rest"]})
    ran = _ended_from_outside(bench, code)
    of_code = bench.world.executor.code["rest"]
    first = [1]
    bench.world.executor.code["code"] = lambda task: first.pop() if first else of_code(task)

    result = bench.work()

    assert (result.state, result.tries) == ("success", 1)
    assert ran == ["rest", "code"]
    assert bench.output() == ["/a"]


def test_a_datum_that_does_not_run_is_not_restarted(world: PfsWorld) -> None:
    _codes(world, 0)
    bench = Bench(world)

    before = bench.worker.restart(bench.datum.id)
    result = bench.work()
    after = bench.worker.restart(bench.datum.id)

    assert (before, after, bench.worker.running) == (False, False, None)
    assert (result.state, result.tries) == ("success", 1)


def test_files_that_do_not_fit_fail_the_datum_and_not_its_worker(
    world: PfsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise UnavailableError(ErrorCode.STORE_FULL, "/pfs/in/a: the disk is full")

    bench = Bench(world, datum_tries=2)
    monkeypatch.setattr("pfs_provider.worker.datums.stage_datum", full)

    result = bench.work()

    assert (result.state, result.tries, result.exit_code) == ("failed", 2, None)
    assert "/pfs/in/a: the disk is full" in result.reason


def test_a_failed_try_tells_that_its_log_ends_early(world: PfsWorld) -> None:
    class Full(PythonExecutor):
        def run(self, task: Task) -> Outcome:
            return replace(super().run(task), log_error="No space left on device")

    _codes(world, 7)
    bench = Bench(world, datum_tries=1)
    bench.worker.executor = Full(world.executor.code)

    result = bench.work()

    assert result.reason == "it exited with code 7; its log ends early: No space left on device"

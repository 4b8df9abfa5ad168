"""What a program that stays up makes of its executor's trouble; the rest is in tests/contract."""

import select
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.errors import ErrorCode, FailedError
from pfs_provider.worker.executors.port import Outcome, Task
from pfs_provider.worker.executors.resident import ResidentExecutor


class Program:
    """An executor whose one program asks as often as it is told to, then ends as it is told to."""

    def __init__(self, n_asked: int, error: Exception | None = None) -> None:
        self.n_asked = n_asked
        self.error = error
        self.tasks: list[Task] = []
        self.closed = threading.Event()

    def run(self, task: Task) -> Outcome:
        self.tasks.append(task)
        for _ in range(self.n_asked):
            with (task.root / ".next/ask").open("wb", buffering=0) as ask:
                ask.write(b"next\n")
            self._wait(task)
        if self.error is not None:
            raise self.error
        now = datetime.now(UTC)
        return Outcome(exit_code=0, signal=None, timed_out=False, started=now, finished=now)

    def _wait(self, task: Task) -> None:
        assert task.leash is not None
        with (task.root / ".next/answer").open("rb", buffering=0) as answer:
            ends = [answer.fileno(), task.leash.fileno()]
            while answer.fileno() not in select.select(ends, [], [])[0]:
                task.leash.obey(self)
            answer.read(100)

    def drain(self) -> None:
        pass

    def rest(self, rested: Callable[[], None]) -> None:
        rested()

    def wake(self) -> None:
        pass

    def close(self) -> None:
        self.closed.set()


def _task(root: Path, **env: str) -> Task:
    return Task(
        root=root,
        cmd=("code",),
        env={"PFS_DATUM_ID": "d", "KEPT": "x"} | env,
        own=frozenset({"PFS_DATUM_ID"}),
        log=root.parent / "log",
    )


def _open(program: Program) -> ResidentExecutor:
    return ResidentExecutor(program, clock=SystemClock(), cmd=("code",))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    made.mkdir()
    return made


@pytest.mark.parametrize("n_asked", [0, 1])
def test_what_the_executor_raises_is_raised_for_the_datum_at_hand(root: Path, n_asked: int) -> None:
    trouble = FailedError(ErrorCode.COMMAND_NOT_FOUND, "no such command")
    executor = _open(Program(n_asked, trouble))

    with pytest.raises(FailedError, match="no such command"):
        executor.run(_task(root))
    executor.close()


def test_the_program_is_started_without_the_datums_variables(root: Path) -> None:
    program = Program(1)
    executor = _open(program)

    executor.run(_task(root))

    (task,) = program.tasks
    assert dict(task.env) == {"KEPT": "x"}
    assert task.tools == "/pfs/.next"
    assert task.timeout_s is None
    executor.close()
    assert program.closed.is_set()


class Silent(Program):
    """Asks for one datum and ends; is silent the second time, and as the first time after that."""

    def run(self, task: Task) -> Outcome:
        if len(self.tasks) != 1:
            return super().run(task)
        self.tasks.append(task)
        assert task.interrupt is not None
        select.select([task.interrupt.fileno()], [], [])
        now = datetime.now(UTC)
        return Outcome(exit_code=None, signal=9, timed_out=False, started=now, finished=now)


def test_a_program_that_has_asked_before_is_started_again_after_a_silent_start(root: Path) -> None:
    program = Silent(1)
    executor = ResidentExecutor(program, clock=SystemClock(), cmd=("code",), start_s=0.2)

    errors = [executor.run(_task(root)).error for _ in range(3)]

    assert "before it said that its datum was done" in errors[0]
    assert "before it asked for a datum" in errors[1]
    assert "before it said that its datum was done" in errors[2]
    assert len(program.tasks) == 3
    executor.close()


def test_a_program_that_ended_while_it_waited_failed_nothing(root: Path) -> None:
    program = Program(2)
    executor = _open(program)

    outcomes = [executor.run(_task(root)) for _ in range(2)]

    assert [outcome.error for outcome in outcomes] == [
        "",
        "it exited with code 0 before it said that its datum was done",
    ]
    assert len(program.tasks) == 1
    executor.close()

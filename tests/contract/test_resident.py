"""A program that stays up and asks for its datums, in every situation that commands run in."""

import shutil
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.errors import FailedError
from pfs_provider.worker.executors.interrupt import Interrupt
from pfs_provider.worker.executors.port import Outcome, Task
from pfs_provider.worker.executors.resident import ResidentExecutor
from pfs_provider.worker.staging import clear_root
from tests.contract.executors import PATH, SITUATIONS, Bench, open_bench
from tests.contract.test_executor import find_processes

LOOP = """
echo begun
while pfs next datum $said; do
  said=
  . "$PFS_ROOT/.env"
  n=$((n + 1))
  echo "$n $PFS_DATUM_ID"
  {each}
done
"""


@dataclass
class Stage:
    """Gives datums to a program as a worker does, each an own ``in`` and an empty ``out``."""

    bench: Bench
    executor: ResidentExecutor
    script: str
    n: int = 0
    env: dict[str, str] = field(default_factory=dict)

    def task(self, **more: object) -> Task:
        self.n += 1
        root, datum = self.bench.root, f"d{self.n}"
        clear_root(root, but=".next")
        for name in ("in", "out"):
            (root / name).mkdir()
            (root / name).chmod(0o777)
        (root / "in" / datum).write_text(datum)
        env = {"PATH": PATH, "PFS_ROOT": "/pfs", "PFS_DATUM_ID": datum} | self.env
        own = frozenset({"PFS_DATUM_ID", "one-COMMIT", *self.env})
        settings: dict[str, object] = {"env": env, "own": own} | more
        log = self.bench.folder / f"log-{datum}"
        return self.bench.task(
            "sh", stdin=tuple(self.script.splitlines()), **settings | {"log": log}
        )

    def run(self, **more: object) -> Outcome:
        return self.executor.run(self.task(**more))

    def log(self, n: int) -> str:
        return (self.bench.folder / f"log-d{n}").read_text()

    def out(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in (self.bench.root / "out").iterdir()}


@pytest.fixture(params=SITUATIONS)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with open_bench(request.param) as bench:
        yield bench


def open_stage(
    bench: Bench, each: str, script: str = LOOP, *, start_s: float | None = None
) -> Stage:
    script = script.replace("{each}", each)
    sh = "/pfs-shim/busybox sh" if bench.situation in {"shim", "container"} else "/bin/sh"
    executor = ResidentExecutor(
        bench.executor,
        clock=SystemClock(),
        cmd=("sh",),
        stdin=tuple(script.splitlines()),
        start_s=start_s,
        sh=sh,
    )
    return Stage(bench, executor, script)


def test_one_start_works_datum_after_datum(bench: Bench) -> None:
    stage = open_stage(bench, 'cp "$PFS_ROOT"/in/* "$PFS_ROOT"/out/')
    outs = []

    for _ in range(3):
        outcome = stage.run()
        outs.append(stage.out())
        assert (outcome.exit_code, outcome.signal, outcome.error) == (0, None, "")

    assert outs == [{"d1": "d1"}, {"d2": "d2"}, {"d3": "d3"}]
    assert [stage.log(n) for n in (1, 2, 3)] == ["begun\n1 d1\n", "2 d2\n", "3 d3\n"]
    stage.executor.close()


def test_it_is_stopped_while_the_worker_has_its_files(bench: Bench) -> None:
    stage = open_stage(
        bench, 'if [ $n = 1 ]; then (while :; do echo x >> "$PFS_ROOT"/beat; done) & fi'
    )

    stage.run()
    beat = bench.root / "beat"
    size = beat.stat().st_size if beat.exists() else 0
    time.sleep(0.2)

    assert (beat.stat().st_size if beat.exists() else 0) == size
    assert stage.run().exit_code == 0
    stage.executor.close()


def test_what_it_calls_an_error_fails_the_datum_and_it_goes_on(bench: Bench) -> None:
    stage = open_stage(bench, 'if [ $n = 2 ]; then said="--error=no-such-edge"; fi')

    outcomes = [stage.run() for _ in range(3)]

    assert [outcome.exit_code for outcome in outcomes] == [0, 1, 0]
    assert outcomes[1].error == "it reported an error: no-such-edge"
    assert stage.log(3) == "3 d3\n"
    stage.executor.close()


def test_pachyderms_name_of_the_command_is_there_too(bench: Bench) -> None:
    stage = open_stage(bench, "", LOOP.replace("pfs next", "pachctl next"))

    assert [stage.run().exit_code for _ in range(2)] == [0, 0]
    stage.executor.close()


def test_a_plain_shell_can_ask_without_any_program(bench: Bench) -> None:
    script = LOOP.replace(
        "pfs next datum $said",
        'echo next > "$PFS_ROOT/.next/ask" && read -r answer < "$PFS_ROOT/.next/answer"',
    )
    stage = open_stage(bench, 'echo "$answer"', script)

    assert [stage.run().exit_code for _ in range(2)] == [0, 0]
    assert stage.log(2) == "2 d2\ndatum d2\n"
    stage.executor.close()


@pytest.mark.parametrize(
    ("how", "code", "number", "error"),
    [
        ("exit 0", 0, None, "it exited with code 0 before it said that its datum was done"),
        ("exit 3", 3, None, "it exited with code 3 before it said that its datum was done"),
        ("kill -9 $$", None, 9, ""),
    ],
)
def test_one_that_ends_has_failed_its_datum_and_the_next_gets_a_fresh_one(
    bench: Bench, how: str, code: int | None, number: int | None, error: str
) -> None:
    stage = open_stage(bench, f"if [ $n = 2 ]; then {how}; fi")

    outcomes = [stage.run() for _ in range(3)]

    assert [outcome.exit_code for outcome in outcomes] == [0, code, 0]
    assert (outcomes[1].signal, outcomes[1].error) == (number, error)
    assert stage.log(3) == "begun\n1 d3\n"
    stage.executor.close()


def test_one_that_never_asks_is_told_by_its_first_datum(bench: Bench) -> None:
    stage = open_stage(bench, "", "echo here; exit 0")

    outcome = stage.run()

    assert outcome.exit_code == 0
    assert outcome.error.startswith("it exited with code 0 before it asked for a datum")
    assert stage.log(1) == "here\n"


def test_one_that_never_asks_is_ended_in_time_and_not_started_again(bench: Bench) -> None:
    mark = "86408.25"
    stage = open_stage(bench, "", f"echo here; sleep {mark}", start_s=1.0)

    first, second = stage.run(), stage.run()

    for outcome in (first, second):
        assert (outcome.exit_code, outcome.signal, outcome.timed_out) == (None, 9, False)
        assert outcome.error.startswith("it ran for 1 s before it asked for a datum")
        assert "`pfs next datum`" in outcome.error
        assert "PFS_PROGRAM_START_S" in outcome.error
    assert find_processes(mark) == []
    assert stage.log(1) == "here\n"
    assert not (bench.folder / "log-d2").exists()
    stage.executor.close()


def test_a_log_that_ends_early_is_told_for_its_datum_alone(bench: Bench) -> None:
    stage = open_stage(bench, "")
    (bench.folder / "log-d2").symlink_to("/dev/full")

    outcomes = [stage.run() for _ in range(3)]

    assert [outcome.log_error for outcome in outcomes] == ["", "No space left on device", ""]
    assert [outcome.exit_code for outcome in outcomes] == [0, 0, 0]
    assert stage.log(3) == "3 d3\n"
    stage.executor.close()


def test_a_timeout_kills_it_with_all_it_started_and_does_not_count_its_start(bench: Bench) -> None:
    mark = "86407.25"
    script = "sleep 1\n" + LOOP
    stage = open_stage(bench, f"if [ $n = 2 ]; then sleep {mark} & sleep {mark}; fi", script)

    outcomes = [stage.run(timeout_s=0.7) for _ in range(3)]

    assert [outcome.timed_out for outcome in outcomes] == [False, True, False]
    assert outcomes[1].signal == signal.SIGKILL
    assert find_processes(mark) == []
    stage.executor.close()


def test_an_interrupt_ends_it_for_its_datum_and_the_next_gets_a_fresh_one(bench: Bench) -> None:
    stage = open_stage(bench, "if [ $n = 2 ]; then sleep 86410.5; fi")
    interrupt = Interrupt()
    stage.run(interrupt=interrupt)
    timer = threading.Timer(0.5, interrupt.set)
    timer.start()

    outcome = stage.run(interrupt=interrupt)

    timer.join()
    assert (outcome.exit_code, outcome.signal, outcome.timed_out) == (None, signal.SIGKILL, False)
    interrupt.clear()
    assert stage.run(interrupt=interrupt).exit_code == 0
    assert stage.log(3) == "begun\n1 d3\n"
    stage.executor.close()


def test_variables_are_the_datums_and_no_others(bench: Bench) -> None:
    script = 'echo "${PFS_DATUM_ID-none} ${one-none} ${KEPT-none}"\n' + LOOP
    stage = open_stage(bench, 'echo "$one"', script)

    stage.env = {"one": 'it\'s a "test" $HOME\nof two lines', "one-COMMIT": "x"}
    task = stage.task()
    task = Task(**{name: getattr(task, name) for name in task.__dataclass_fields__}
                | {"env": {**task.env, "KEPT": "yes"}})  # fmt: skip
    stage.executor.run(task)

    assert stage.log(1) == ('none none yes\nbegun\n1 d1\nit\'s a "test" $HOME\nof two lines\n')
    environ = (bench.root / ".next/variables").read_bytes().decode().split("\0")
    assert "one-COMMIT=x" in environ
    assert not any(line.startswith(("KEPT", "PATH")) for line in environ)
    stage.executor.close()


def test_another_command_ends_it_first(bench: Bench) -> None:
    mark = "86408.5"
    stage = open_stage(bench, f'sleep {mark} & said="--error=x"')
    stage.run()

    outcome = bench_run_other(stage)

    assert outcome.exit_code == 0
    assert find_processes(mark) == []
    assert stage.run().exit_code == 1
    assert stage.log(2) == "begun\n1 d2\n"
    stage.executor.close()


def bench_run_other(stage: Stage) -> Outcome:
    return stage.executor.run(stage.bench.task("true"))


def test_closing_ends_it_while_it_works_and_while_it_waits(bench: Bench) -> None:
    mark = "86409.75"
    stage = open_stage(bench, f"if [ $n = 2 ]; then sleep {mark}; fi")
    stage.run()
    timer = threading.Timer(0.5, stage.executor.close)
    timer.start()

    with pytest.raises(FailedError, match=r"closed|killed"):
        stage.run()

    timer.join()
    assert find_processes(mark) == []


def test_what_nobody_may_read_is_read_by_the_worker_all_the_same(bench: Bench) -> None:
    stage = open_stage(
        bench, 'mkdir "$PFS_ROOT"/out/d; echo x > "$PFS_ROOT"/out/d/f; chmod 700 "$PFS_ROOT"/out/d'
    )

    stage.run()

    assert (bench.root / "out/d/f").read_text() == "x\n"
    shutil.rmtree(bench.root / "out/d")
    stage.executor.close()


def test_a_folder_that_it_took_away_is_no_harm_to_the_worker(bench: Bench, tmp_path: Path) -> None:
    stage = open_stage(
        bench,
        'if [ $n = 1 ]; then mv "$PFS_ROOT/.next" "$PFS_ROOT/x"; '
        f'ln -s {tmp_path} "$PFS_ROOT/.next"; fi',
    )
    stage.env = {}

    outcome = stage.run(timeout_s=2)

    assert outcome.timed_out or outcome.exit_code == 0 or outcome.error
    stage.run(timeout_s=2)
    assert list(tmp_path.iterdir()) == []
    stage.executor.close()

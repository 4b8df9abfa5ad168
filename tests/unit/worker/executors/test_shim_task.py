"""One task's way through the FIFOs, with a shim that says what the test wants."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pfs_provider.clock import RandomIds, SystemClock
from pfs_provider.errors import ErrorCode, FailedError
from pfs_provider.worker.executors import shim_task
from pfs_provider.worker.executors.logs import LogWriter
from pfs_provider.worker.executors.shim_link import ShimLink
from pfs_provider.worker.executors.shim_task import Ending, run_task
from tests.unit.worker.executors.shim_peer import ShimPeer, greet_back

Answer = Callable[[list[str]], list[str]]


@contextmanager
def connected(folder: Path, answer: Answer) -> Iterator[tuple[ShimLink, ShimPeer]]:
    """Yield a link and the peer that answers what is no greeting."""

    def say(words: list[str]) -> list[str]:
        return greet_back(words[1]) if words[0] == "greet" else answer(words)

    peer = ShimPeer(folder / "shim", say)
    link = ShimLink(folder / "shim", clock=SystemClock(), ids=RandomIds())
    link.connect(5)
    yield link, peer
    link.release()
    if peer._thread.is_alive():
        peer.die()


def run(link: ShimLink, folder: Path, timeout_s: float | None = None) -> Ending:
    with LogWriter(folder / "log") as log:
        return run_task(link, b"start\n", stdin=b"in", log=log, timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("said", "ending"),
    [
        ("exit 3", Ending(kind="exit", number=3)),
        ("signal 15", Ending(kind="signal", number=15)),
        ("missing /a b  c", Ending(kind="missing", path="/a b  c")),
        ("working-dir /no", Ending(kind="working-dir", path="/no")),
    ],
)
def test_the_end_that_is_told_is_the_end(tmp_path: Path, said: str, ending: Ending) -> None:
    with connected(tmp_path, lambda words: [f"done S {words[2]} {said}"]) as (link, peer):
        assert run(link, tmp_path) == ending
        assert peer.said[1].startswith("run S ")


def test_ends_of_other_tasks_and_shims_are_passed_over(tmp_path: Path) -> None:
    def answer(words: list[str]) -> list[str]:
        theirs = ["done S other exit 1", f"done T {words[2]} exit 2", "done", "here x S", ""]
        return [*theirs, f"done S {words[2]} exit 0"]

    with connected(tmp_path, answer) as (link, _):
        assert run(link, tmp_path) == Ending(kind="exit", number=0)


def test_a_tasks_files_are_there_while_it_runs_and_gone_afterwards(tmp_path: Path) -> None:
    tasks = tmp_path / "shim/tasks"
    seen: dict[str, bytes] = {}

    def answer(words: list[str]) -> list[str]:
        seen.update(
            {kind: (tasks / f"{words[2]}.{kind}").read_bytes() for kind in ("command", "stdin")}
        )
        with (tasks / f"{words[2]}.log").open("wb") as log:
            log.write(b"said\n")
        return [f"done S {words[2]} exit 0"]

    with connected(tmp_path, answer) as (link, _):
        run(link, tmp_path)

    assert seen == {"command": b"start\n", "stdin": b"in"}
    assert list(tasks.iterdir()) == []
    assert (tmp_path / "log").read_bytes() == b"said\n"


def test_a_shim_that_dies_ends_the_task_at_once(tmp_path: Path) -> None:
    with connected(tmp_path, lambda _words: []) as (link, peer):
        threading.Timer(0.05, peer.die).start()
        before = time.monotonic()

        assert run(link, tmp_path) == Ending(kind="died")
        assert time.monotonic() - before < shim_task.POKE_S
        assert link.shim is None


def test_a_shim_whose_successor_speaks_has_died(tmp_path: Path) -> None:
    with connected(tmp_path, lambda _words: ["here - NEXT"]) as (link, _):
        assert run(link, tmp_path) == Ending(kind="died")
        assert link.shim is None


def test_an_end_that_was_told_before_the_shim_died_counts(tmp_path: Path) -> None:
    with connected(tmp_path, lambda words: [f"done S {words[2]} exit 4"]) as (link, peer):
        tell = link.tell

        def tell_and_wait(message: str) -> None:
            tell(message)
            peer.die()

        link.tell = tell_and_wait  # type: ignore[method-assign]  # the moment between two steps
        assert run(link, tmp_path) == Ending(kind="exit", number=4)


def test_a_task_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    def answer(words: list[str]) -> list[str]:
        return [f"done S {words[2]} signal 9"] if words[0] == "kill" else []

    with connected(tmp_path, answer) as (link, peer):
        assert run(link, tmp_path, 0.05) == Ending(kind="signal", number=9, timed_out=True)
        assert [said.split()[0] for said in peer.said] == ["greet", "run", "kill"]


def test_a_task_that_cannot_be_killed_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shim_task, "KILL_S", 0.05)

    with connected(tmp_path, lambda _words: []) as (link, _):
        with pytest.raises(FailedError, match="did not die") as caught:
            run(link, tmp_path, 0.05)
        assert caught.value.code == ErrorCode.WORKER_FAILED


def test_close_kills_the_task_and_says_so(tmp_path: Path) -> None:
    def answer(words: list[str]) -> list[str]:
        return [f"done S {words[2]} signal 9"] if words[0] == "kill" else []

    with connected(tmp_path, answer) as (link, peer):
        threading.Timer(0.05, link.close).start()

        with pytest.raises(FailedError, match="closed"):
            run(link, tmp_path)
        assert [said.split()[0] for said in peer.said] == ["greet", "run", "kill"]


def test_a_shim_with_a_task_is_woken_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shim_task, "POKE_S", 0.02)

    def answer(words: list[str]) -> list[str]:
        return [f"done S {words[2]} exit 0"] if words[0] == "poke" else []

    with connected(tmp_path, answer) as (link, _):
        assert run(link, tmp_path) == Ending(kind="exit", number=0)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    with connected(tmp_path, lambda words: [f"done S {words[2]} exit 0"]) as (link, _):
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(5):
            run(link, tmp_path)
        assert len(list(Path("/proc/self/fd").iterdir())) == before

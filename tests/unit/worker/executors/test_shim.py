"""What the executor of pods makes of how tasks end; all else: tests/contract/test_shim.py."""

import os
from pathlib import Path

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.errors import ErrorCode, FailedError
from pfs_provider.worker.executors import shim
from pfs_provider.worker.executors.port import Outcome, Task
from pfs_provider.worker.executors.shim import ShimExecutor
from tests.unit.worker.executors.shim_peer import ShimPeer, greet_back


def run(folder: Path, end: str, **settings: object) -> Outcome:
    """Run a task in a shim that says that it ended so."""

    def answer(words: list[str]) -> list[str]:
        environ = b"PATH=/image/bin\0"
        if words[0] == "greet":
            return greet_back(words[1], environ=environ)
        return [f"done S {words[2]} {end}"] if words[0] in {"run", "kill"} else []

    peer = ShimPeer(folder / "shim", answer)
    task = Task(root=folder, cmd=("tool",), env={}, log=folder / "log")
    try:
        with ShimExecutor(folder / "shim", clock=SystemClock(), **settings) as executor:  # type: ignore[arg-type]
            return executor.run(task)
    finally:
        peer.die()


@pytest.mark.parametrize(
    ("end", "exit_code", "signal", "note"),
    [
        ("exit 0", 0, None, ""),
        ("exit 3", 3, None, ""),
        ("exit 137", 137, None, "it exited with code 137, as shells do when a command was killed"),
        ("signal 11", None, 11, ""),
        ("signal 9", None, 9, "it was killed by signal 9, most likely"),
    ],
)
def test_an_end_gives_an_outcome(
    tmp_path: Path, end: str, exit_code: int | None, signal: int | None, note: str
) -> None:
    outcome = run(tmp_path, end)

    assert (outcome.exit_code, outcome.signal) == (exit_code, signal)
    assert outcome.note.startswith(note)
    assert bool(outcome.note) == bool(note)


def test_a_limit_that_is_known_is_named(tmp_path: Path) -> None:
    assert run(tmp_path, "signal 9", memory_limit="2Gi").note.endswith("than its limit of 2Gi")


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        ("working-dir /w", ErrorCode.WORKING_DIR_NOT_FOUND, "working_dir '/w'"),
        ("missing tool", ErrorCode.COMMAND_NOT_FOUND, "PATH was searched: '/image/bin'"),
        ("missing /x/tool", ErrorCode.COMMAND_NOT_FOUND, "there is no such file"),
        ("denied /x/tool", ErrorCode.COMMAND_NOT_FOUND, "/x/tool is not executable"),
        ("format /x/tool", ErrorCode.COMMAND_NOT_FOUND, "#! line"),
        ("interpreter /x/tool", ErrorCode.COMMAND_NOT_FOUND, "interpreter"),
        ("equals /x=/tool", ErrorCode.COMMAND_NOT_FOUND, "'='"),
    ],
)
def test_what_cannot_be_started_is_told_with_the_reason(
    tmp_path: Path, end: str, code: ErrorCode, said: str
) -> None:
    with pytest.raises(FailedError) as caught:
        run(tmp_path, end)

    assert caught.value.code == code
    assert said in str(caught.value)


def test_what_the_worker_cannot_open_is_found(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "a/b").mkdir(parents=True)
    (root / "a/link").symlink_to("/no/such")
    (root / "a/b/file").touch()
    assert shim._is_open(root)

    for path, mode in ((root / "a/b/file", 0o200), (root / "a/b", 0o500), (root / "a", 0)):
        path.chmod(mode)
        assert shim._is_open(root) == (os.geteuid() == 0)
        path.chmod(0o700)

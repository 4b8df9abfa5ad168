"""What is special about the executor with containers; all else: tests/contract/test_executor.py."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.errors import ErrorCode, FailedError, UnavailableError
from pfs_provider.worker.executors.container import Box, ContainerExecutor, share_folder
from pfs_provider.worker.executors.port import Outcome, Task
from pfs_provider.worker.main import SHARED_UMASK
from tests.containers import ask, find_image, find_test_engine, list_containers


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    before = os.umask(SHARED_UMASK)
    (tmp_path / "root").mkdir()
    share_folder(tmp_path / "root")  # as the worker does, before it stages anything
    (tmp_path / "root" / "out").mkdir()
    yield tmp_path / "root"
    os.umask(before)


def _open(*options: str, **more: object) -> ContainerExecutor:
    engine = find_test_engine()
    settings: dict[str, object] = {"image": find_image()} | more
    box = Box(
        engine=engine.program,
        environment=engine.environment,
        options=("--network", "none", *options),
        group=0 if engine.is_rootless else None,
        **settings,  # type: ignore[arg-type]  # as Box' own
    )
    return ContainerExecutor(box, clock=SystemClock())


@pytest.fixture
def executor() -> Iterator[ContainerExecutor]:
    with _open() as made:
        yield made


def _run(
    executor: ContainerExecutor, root: Path, script: str, **more: object
) -> tuple[Outcome, str]:
    log = root.parent / "log"
    log.unlink(missing_ok=True)
    settings: dict[str, object] = {"env": {}, "log": log} | more
    outcome = executor.run(Task(root=root, cmd=("sh", "-c", script), **settings))  # type: ignore[arg-type]
    return outcome, log.read_text()


def test_the_images_variables_folder_and_files_are_there(
    executor: ContainerExecutor, root: Path
) -> None:
    outcome, said = _run(executor, root, "echo $GREETING $MINE; pwd; ls /pfs", env={"MINE": "x"})

    assert outcome.exit_code == 0
    assert said.split() == ["hello", "x", "/work", "out"]


def test_a_container_is_used_for_many_tasks(executor: ContainerExecutor, root: Path) -> None:
    said = [_run(executor, root, "hostname")[1] for _ in range(3)]

    assert len(set(said)) == 1


@pytest.mark.parametrize(("user", "uid"), [("worker", "1000"), ("1234", "1234"), (None, "0")])
def test_a_user_of_the_image_writes_what_the_worker_takes_away(
    executor: ContainerExecutor, root: Path, user: str | None, uid: str
) -> None:
    script = "id -u; umask 077; mkdir /pfs/out/d; echo x > /pfs/out/d/f; chmod 0 /pfs/out/d"

    outcome, said = _run(executor, root, script, user=user)

    assert (outcome.exit_code, said.strip()) == (0, uid)
    assert (root / "out/d/f").read_text() == "x\n"


def test_an_unknown_user_is_named(executor: ContainerExecutor, root: Path) -> None:
    with pytest.raises(FailedError, match="'nosuch'") as caught:
        _run(executor, root, "true", user="nosuch")

    assert caught.value.code == ErrorCode.USER_NOT_FOUND
    assert _run(executor, root, "true")[0].exit_code == 0


def test_another_root_is_another_pfs(executor: ContainerExecutor, root: Path) -> None:
    _run(executor, root, "touch /pfs/out/first")
    other = root.parent / "other"
    other.mkdir()

    assert _run(executor, other, "ls /pfs")[1] == ""
    assert _run(executor, root, "ls /pfs/out")[1] == "first\n"


def test_a_killed_container_costs_one_try_and_is_replaced_by_a_fresh_one(root: Path) -> None:
    engine = find_test_engine()
    mark = f"pfs.test={os.getpid()}.{id(root)}"
    with _open("--label", mark, memory_limit="64Mi") as executor:
        _run(executor, root, "touch left")
        (name,) = list_containers(engine, f"label={mark}")
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(_run, executor, root, "sleep 1000")
            ask(engine, "kill", name)
            outcome, _ = running.result(60)

        assert (outcome.exit_code, outcome.signal) == (None, signal.SIGKILL)
        assert "limit of 64Mi" in outcome.note
        assert _run(executor, root, "ls /work")[1] == ""
        assert list_containers(engine, f"label={mark}") != [name]
    assert list_containers(engine, f"label={mark}") == []


def test_a_limit_of_memory_is_the_end_of_the_try_only(root: Path) -> None:
    limit = str(64 << 20)
    with _open("--memory", limit, "--memory-swap", limit, memory_limit="64Mi") as executor:
        outcome, _ = _run(executor, root, "tail -c 500m /dev/zero")

        assert outcome.exit_code != 0
        assert "limit of 64Mi" in outcome.note
        assert _run(executor, root, "echo again")[1] == "again\n"


def test_nothing_of_this_machine_is_seen(executor: ContainerExecutor, root: Path) -> None:
    script = f"ls {root.parent} 2>&1; ls / | tr '\\n' ' '; touch /pfs-shim/x 2>&1"

    outcome, said = _run(executor, root, script, env={})

    assert outcome.exit_code == 1
    assert "No such file" in said
    assert "Read-only file system" in said
    assert " home " not in said


def test_an_image_that_is_not_there_is_told_by_the_engine(root: Path) -> None:
    with (
        _open(image="localhost/pfs-no-such:1") as executor,
        pytest.raises(UnavailableError, match="pfs-no-such") as caught,
    ):
        _run(executor, root, "true")

    assert caught.value.code == ErrorCode.SANDBOX_UNAVAILABLE

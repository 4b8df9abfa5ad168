import sys
from pathlib import Path

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.errors import ErrorCode, UnavailableError
from pfs_provider.worker.environment import HOME as HOME_OF_ENVIRONMENT
from pfs_provider.worker.executors.port import Executor, Task
from pfs_provider.worker.executors.process import HOME, ProcessExecutor
from tests.contract.executors import FORBID


def test_without_namespaces_nothing_runs_and_the_reason_is_given(tmp_path: Path) -> None:
    task = Task(root=tmp_path, cmd=("touch", str(tmp_path / "x")), env={}, log=tmp_path / "log")
    prefix = (sys.executable, str(FORBID))

    with (
        ProcessExecutor(clock=SystemClock(), prefix=prefix) as executor,
        pytest.raises(UnavailableError, match="Way out") as caught,
    ):
        executor.run(task)

    assert caught.value.code == ErrorCode.SANDBOX_UNAVAILABLE
    assert not (tmp_path / "x").exists()


def test_it_is_an_executor_and_its_home_is_the_environments() -> None:
    executor: Executor = ProcessExecutor(clock=SystemClock())
    executor.close()

    assert HOME == HOME_OF_ENVIRONMENT

import subprocess
import sys

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.errors import RefusedError
from pfs_provider.worker.executors.choice import open_executor
from pfs_provider.worker.executors.fallback import FallbackExecutor
from pfs_provider.worker.executors.probe import probe
from pfs_provider.worker.executors.process import ProcessExecutor
from tests.contract.executors import FORBID


def test_namespaces_are_used_where_there_are_some() -> None:
    executor = open_executor("process")
    executor.close()

    expected = ProcessExecutor if probe(clock=SystemClock()).is_isolated else FallbackExecutor
    assert isinstance(executor, expected)


def test_without_namespaces_commands_run_plainly_and_the_reason_is_logged() -> None:
    program = """if True:
        import tempfile
        from pathlib import Path
        from pfs_provider.worker.executors.choice import open_executor
        from pfs_provider.worker.executors.port import Task
        with tempfile.TemporaryDirectory() as folder:
            executor = open_executor()
            log = Path(folder, "log")
            cmd = ("/bin/sh", "-c", "/bin/ls /pfs")
            task = Task(root=Path(folder), cmd=cmd, env={}, log=log)
            print(type(executor).__name__, executor.run(task).exit_code, log.read_text())
            executor.close()
    """

    done = subprocess.run(
        [sys.executable, str(FORBID), sys.executable, "-c", program],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout.split() == ["FallbackExecutor", "0", "log"]
    assert done.stderr.count("gives user code no namespaces of its own") == 1


def test_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(RefusedError, match="'magic'"):
        open_executor("magic")

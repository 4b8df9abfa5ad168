import errno
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode
from pfs_provider.worker.executors import tasks
from pfs_provider.worker.executors.client import Report
from pfs_provider.worker.executors.port import Task

TASK = Task(root=Path("/r"), cmd=("tool", "x"), env={"PATH": "/a:/b"}, log=Path("/l"))


@pytest.mark.parametrize(
    ("step", "code", "path", "error", "words"),
    [
        ("command", errno.ENOENT, "tool", ErrorCode.COMMAND_NOT_FOUND, "'/a:/b'"),
        ("command", errno.ENOENT, "/x/tool", ErrorCode.COMMAND_NOT_FOUND, "no such file"),
        ("command", errno.EACCES, "/x/tool", ErrorCode.COMMAND_NOT_FOUND, "/x/tool is not exec"),
        ("command", errno.ENOEXEC, "/x/tool", ErrorCode.COMMAND_NOT_FOUND, "#! line"),
        ("command", errno.E2BIG, "/x/tool", ErrorCode.COMMAND_NOT_FOUND, "too long"),
        ("interpreter", errno.ENOENT, "/x/tool", ErrorCode.COMMAND_NOT_FOUND, "interpreter"),
        ("working-dir", errno.ENOENT, "/w", ErrorCode.WORKING_DIR_NOT_FOUND, "working_dir '/w'"),
        ("sandbox", errno.ENOSPC, "mount x", ErrorCode.SANDBOX_UNAVAILABLE, "mount x: No space"),
    ],
)
def test_each_failure_has_its_code_and_names_what_is_at_fault(
    step: str, code: int, path: str, error: ErrorCode, words: str
) -> None:
    failure = tasks.explain(Report(step=step, errno=code, path=path), TASK)

    assert failure.code == error
    assert words in str(failure)


def test_a_notice_is_logged_as_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    tasks.warn("no user")

    (record,) = caplog.records
    assert (record.levelname, record.message) == ("WARNING", "no user")

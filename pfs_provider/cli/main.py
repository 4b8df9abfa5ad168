"""The program ``pfs``: registers all commands, runs one, and turns what happened into an exit code.

Invariants: an error of ours is one line on stderr, with its code and without a traceback; Ctrl-C
is 130, an end by SIGTERM 143, after the verb has cleaned up; a reader that went away is no error
worth words.
Must not know: what any command does.
"""

import io
import os
import signal
import sys
from types import FrameType

from pfs_provider.cli import (
    about,
    branches,
    commits,
    datums,
    defaults,
    draw,
    files,
    functions,
    get,
    jobs,
    lineage,
    logs,
    metrics,
    next_datum,
    pipelines,
    projects,
    put,
    repos,
    run,
    schedule,
    secrets,
    step,
    step_files,
    subscribe,
    transactions,
    watch,
)
from pfs_provider.cli.error_table import FAILED, INTERRUPTED, TERMINATED, exit_code
from pfs_provider.cli.tree import app
from pfs_provider.errors import PfsError

__all__ = ["COMMANDS", "main"]

COMMANDS = (
    projects,
    repos,
    branches,
    commits,
    subscribe,
    files,
    put,
    get,
    pipelines,
    functions,
    defaults,
    draw,
    run,
    jobs,
    datums,
    logs,
    next_datum,
    lineage,
    transactions,
    secrets,
    schedule,
    step,
    step_files,
    metrics,
    watch,
    about,
)
"""The modules that hold commands; importing them registers these."""


def main() -> None:
    """Run ``sys.argv`` and exit with 0 done, 1 failed, 2 usage, or as error_table.py says."""
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a terminal without UTF-8 must not end us
    try:
        code = _run()
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more at its end; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    sys.exit(code)


def _run() -> int:
    try:
        app(prog_name="pfs")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except PfsError as error:
        _tell(f"{error} [{error.code}]")
        return exit_code(error)
    except BrokenPipeError:
        raise
    except OSError as error:  # a local file or folder, mostly
        _tell(str(error))
        return FAILED
    return 0


def _tell(text: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(f"error: {text}\n")


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)

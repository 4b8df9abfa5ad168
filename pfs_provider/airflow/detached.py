"""Runs a pipeline's jobs in a process of its own, while the task that asked for it is deferred.

    python -m pfs_provider.airflow.detached < order

The order is one JSON object on standard input, not in the arguments, because it may hold the
catalog's password. SIGTERM ends the workers and gives the job back, for a retry to take up.
Must not know: Airflow.
"""

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pfs_provider.airflow.processes import process_name
from pfs_provider.airflow.progress import ProgressText

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["main", "start_detached"]


def start_detached(settings: dict[str, Any], **run: str | int | None) -> tuple[str, Path]:
    """Start to run the ready jobs of a pipeline and return at once.

    Args:
        settings: Arguments for ``Pfs``.
        run: Arguments for ``Pfs.run``.

    Returns:
        The process's name, and the file that takes its output; the caller deletes it.
    """
    with tempfile.NamedTemporaryFile(prefix="pfs-run-", suffix=".log", delete=False) as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pfs_provider.airflow.detached"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,  # the task's own end must not end it
        )
    name = process_name(process.pid)
    if process.stdin is not None:
        process.stdin.write(json.dumps({"settings": settings, "run": run}).encode())
        process.stdin.close()
    process.returncode = 0  # never waited for here: the next task process is not its parent
    return name, Path(log.name)


def main() -> None:
    """Run what the order asks for."""
    signal.signal(signal.SIGTERM, _end)
    order: dict[str, Any] = json.load(sys.stdin)
    # lazy: the operator imports this module when DAG files are parsed
    from pfs_provider.pfs import Pfs  # noqa: PLC0415

    text = ProgressText()
    with Pfs(**order["settings"]) as pfs:
        pfs.run(**order["run"], on_progress=lambda job: print_line(text.line(job)))


def print_line(line: str | None) -> None:
    """Write a line to the log, at once; nothing for None."""
    if line is not None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _end(number: int, _frame: "FrameType | None") -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()

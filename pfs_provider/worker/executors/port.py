"""What the worker asks of whatever runs user code, and what it gets back.

Invariants: values only, but for what ends a task; no handle survives one. Must not know: how a task
is isolated, what a datum, a repo or a store is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pfs_provider.worker.executors.interrupt import Interrupt
from pfs_provider.worker.executors.leash import Leash

__all__ = ["MAX_LOG_BYTES", "Executor", "Outcome", "Task"]

MAX_LOG_BYTES = 64 << 20
"""Of one command's log, where nobody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One run of one command on one staged datum.

    ``root`` is the folder of this machine that becomes ``/pfs``, with ``<input>/…`` and ``out/``.
    ``env`` is the complete environment. Each line of ``stdin`` gets a newline. ``timeout_s`` is in
    seconds, None for no limit. ``working_dir`` and ``cmd`` are as user code sees them; without a
    ``working_dir`` the command starts in its own empty home. ``user`` is a name or number, with an
    optional ``:group``. Output and errors are appended to ``log`` in the order they were written.
    User code must not be able to read anything in the folders and files ``hidden``. In the log the
    values of the variables ``masked`` and the ``secrets`` are hidden; it has ``max_log_bytes`` at
    most. Setting ``interrupt`` ends the command and all that it started: the outcome is signal 9,
    unless it ended by itself just then. ``own`` are the variables that change with the datum.
    ``tools`` is a folder, as user code sees it, in front of its PATH. A ``leash`` reaches the
    command while it runs. ``folders`` are read-only folders of user code's own, by the path at
    which it sees them, each with its files, whose content nobody else sees.
    """

    root: Path
    cmd: tuple[str, ...]
    env: Mapping[str, str]
    log: Path
    stdin: tuple[str, ...] = ()
    timeout_s: float | None = None
    working_dir: str | None = None
    user: str | None = None
    hidden: tuple[Path, ...] = ()
    masked: tuple[str, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)
    max_log_bytes: int = MAX_LOG_BYTES
    interrupt: Interrupt | None = field(default=None, repr=False, compare=False)
    own: frozenset[str] = frozenset()
    tools: str = ""
    folders: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict, repr=False)
    leash: Leash | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command ended. Times are aware UTC.

    Either ``exit_code`` or ``signal`` is set. After a timeout ``signal`` is 9 and ``timed_out`` is
    True. ``n_log_bytes_dropped`` counts output above the limit of the log; ``log_error`` says why
    the disk took no more of it, or is empty. ``note`` is what the executor knows of the reason
    beyond that, a sentence without its end, or empty. ``error`` is why it has failed whatever its
    code, a sentence too.
    """

    exit_code: int | None
    signal: int | None
    timed_out: bool
    started: datetime
    finished: datetime
    n_log_bytes_dropped: int = 0
    log_error: str = ""
    note: str = ""
    error: str = ""


class Executor(Protocol):
    """Runs commands. Any thread may call; several tasks may run side by side."""

    def run(self, task: Task) -> Outcome:
        """Run one command to its end and return how it ended.

        When it returns or raises, no process that the command started is alive and the log is
        complete. A command that ends with another code than 0 is an outcome, not an error.

        Raises:
            FailedError: ``command-not-found``, ``working-dir-not-found``, ``user-not-found`` or
                ``folder-not-made``: nothing ran. ``worker-failed``: the executor was closed or
                killed meanwhile.
            UnavailableError: ``sandbox-unavailable``: this machine does not allow it; nothing ran.
            RefusedError: ``settings-illegal``: a hidden folder holds the whole machine.
        """

    def close(self) -> None:
        """End every running task and whatever was started for them. Idempotent."""

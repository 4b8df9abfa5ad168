"""User code in its own, unchanged image: the shim in the pod's user container runs it.

The shim and this executor see the same folders: ``/pfs`` there is the task's root here. Why so:
docs/design/0010-user-code-in-pods.md; how: docs/internals/shim.md. Invariants: one task at a time,
because the container has one ``/pfs``; a container that dies counts as the try's end by signal 9,
and the next task waits for the one that takes its place. Must not know: datums, stores, settings.
"""

import errno
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pfs_provider.clock import Clock, IdSource, RandomIds
from pfs_provider.closing import Closing
from pfs_provider.worker.executors.client import Report
from pfs_provider.worker.executors.logs import open_log
from pfs_provider.worker.executors.output import KILL_S
from pfs_provider.worker.executors.port import Outcome, Task
from pfs_provider.worker.executors.shim_link import ShimLink
from pfs_provider.worker.executors.shim_script import render_script
from pfs_provider.worker.executors.shim_task import Ending, run_task
from pfs_provider.worker.executors.tasks import add_tools, explain

__all__ = ["ShimExecutor"]

COME_BACK_S = 600.0
"""How long a container may be away: the kubelet waits up to 300 s before it starts it again."""

CHILD_KILLED = 128 + signal.SIGKILL
"""What a shell answers when the command that it waited for was killed."""


class ShimExecutor(Closing):
    """Runs tasks in the container of a shim. A context manager.

    Args:
        folder: What ``install`` made, as this container sees it.
        clock: Tells the times of outcomes and measures timeouts.
        ids: Names tasks.
        memory_limit: That of the user container, for what is said when it is killed.
        come_back_s: How long to wait for a shim that answers.
        revive: Called where there is none, before the wait; None where somebody else starts it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock,
        ids: IdSource | None = None,
        memory_limit: str = "",
        come_back_s: float = COME_BACK_S,
        revive: Callable[[], None] | None = None,
    ) -> None:
        self._clock = clock
        self._memory_limit = memory_limit
        self._come_back_s = come_back_s
        self._revive = revive
        self._lock = threading.Lock()
        self._link = ShimLink(folder, clock=clock, ids=ids or RandomIds())

    def run(self, task: Task) -> Outcome:
        """Run one command to its end and return how it ended. Raises as the port says.

        ``root``, ``user`` and ``hidden`` were settled when the pod was made; ``env`` comes on top
        of the image's, and without a ``working_dir`` the command starts where the image says.
        """
        with self._lock:
            self._link.check_open()
            self._link.notice_end()
            if self._link.shim is None:
                self._connect()
            task = replace(task, env=add_tools(task, {**self._link.environment, **task.env}))
            script = render_script(
                task.cmd, task.env, working_dir=task.working_dir, quiet=task.masked
            )
            lines = "".join(f"{line}\n" for line in task.stdin).encode(errors="surrogateescape")
            started = self._clock.now()
            with open_log(task) as log:
                if task.leash is not None:
                    task.leash.log = log
                ending = run_task(
                    self._link,
                    script,
                    stdin=lines,
                    log=log,
                    timeout_s=task.timeout_s,
                    interrupt=task.interrupt,
                    leash=task.leash,
                )
            finished = self._clock.now()
            if not _is_open(task.root):
                self._connect()  # only there it can be opened
        if ending.kind not in {"exit", "signal", "died"}:
            raise explain(_report(ending), task)
        killed = ending.kind == "died"
        number = signal.SIGKILL.value if killed else ending.number
        return Outcome(
            exit_code=ending.number if ending.kind == "exit" else None,
            signal=None if ending.kind == "exit" else number,
            timed_out=ending.timed_out,
            started=started,
            finished=finished,
            n_log_bytes_dropped=log.n_dropped,
            log_error=log.error or "",
            note=self._note(ending),
        )

    def _connect(self) -> None:
        if self._link.shim is None and self._revive is not None:
            self._revive()
        self._link.connect(self._come_back_s)

    def _note(self, ending: Ending) -> str:
        """Return why a command was killed, where it can only be guessed."""
        limit = f" of {self._memory_limit}" if self._memory_limit else ""
        why = f"most likely for using more memory than its limit{limit}"
        if ending.kind == "died":
            return f"the container of the user code was killed while it ran, {why}"
        if ending.kind == "signal" and ending.number == signal.SIGKILL and not ending.timed_out:
            return f"it was killed by signal 9, {why}"
        if ending.kind == "exit" and ending.number == CHILD_KILLED:
            return f"it exited with code 137, as shells do when a command was killed, {why}"
        return ""

    def close(self) -> None:
        """End the running task and let go of the shim. Idempotent."""
        self._link.close()
        if self._lock.acquire(timeout=KILL_S):
            try:
                self._link.release()
            finally:
                self._lock.release()


_REPORTS = {
    "working-dir": ("working-dir", errno.ENOENT),
    "missing": ("command", errno.ENOENT),
    "denied": ("command", errno.EACCES),
    "format": ("command", errno.ENOEXEC),
    "equals": ("command", errno.EINVAL),
    "interpreter": ("interpreter", errno.ENOENT),
}


def _report(ending: Ending) -> Report:
    step, code = _REPORTS[ending.kind]
    return Report(step=step, errno=code, path=ending.path)


def _is_open(root: str | Path) -> bool:
    """Return whether this process may read and remove all that lies in a folder."""
    with os.scandir(root) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if not os.access(entry, os.R_OK | os.W_OK | os.X_OK) or not _is_open(entry.path):
                    return False
            elif entry.is_file(follow_symlinks=False) and not os.access(entry, os.R_OK):
                return False
    return True

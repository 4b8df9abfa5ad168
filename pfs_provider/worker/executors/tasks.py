"""Runs one task through a spawner: task to request, report to outcome or error.

Invariants: a command that ran gives an outcome, one that did not gives an error that names what is
missing. Must not know: how isolation is done.
"""

import errno
import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping
from datetime import datetime

from pfs_provider.clock import Clock
from pfs_provider.errors import ErrorCode, FailedError, PfsError, RefusedError, UnavailableError
from pfs_provider.worker.executors.client import Order, Report, SpawnerClient
from pfs_provider.worker.executors.logs import LogWriter, open_log
from pfs_provider.worker.executors.port import Outcome, Task
from pfs_provider.worker.executors.users import find_user, give_folder

__all__ = ["TaskRunner", "add_tools", "explain", "warn"]


def warn(notice: str) -> None:
    """Log a notice as a warning, which Python writes to standard error unless told otherwise."""
    logging.getLogger(__name__).warning(notice)


class TaskRunner:
    """Runs tasks for one executor. Any thread may call.

    Args:
        clock: Tells the times of outcomes.
        say: Gets one notice if tasks name a user that this worker cannot become.
    """

    def __init__(self, *, clock: Clock, say: Callable[[str], None]) -> None:
        self._clock = clock
        self._say = say
        self._said = threading.Lock()  # taken for good by the first who says it

    def run(self, client: SpawnerClient, task: Task, *, home: str) -> Outcome:
        """Run a task to its end; ``home`` is where it starts without a working folder.

        Raises:
            PfsError: As ``Executor.run`` says.
        """
        user = self._user(task, client.greeting.kind)
        order = Order(
            root=os.path.realpath(task.root),
            cmd=task.cmd,
            env=add_tools(task, task.env),
            cwd=task.working_dir or home,
            hidden=_hidden(task),
            user=user,
            folders=task.folders,
        )
        started = self._clock.now()
        with open_log(task) as log:
            if task.leash is not None:
                task.leash.log = log
                if user is not None:
                    uid, gid, _ = user
                    task.leash.give = lambda root: give_folder(root, uid, gid)
            report = client.run(
                order,
                stdin=task.stdin,
                log=log,
                timeout_s=task.timeout_s,
                interrupt=task.interrupt,
                leash=task.leash,
            )
        if report.step:
            raise explain(report, task)
        return _outcome(report, log, started=started, finished=self._clock.now())

    def _user(self, task: Task, kind: str) -> tuple[int, int, list[int]] | None:
        """Return the user to become, who now owns the task's folder; None for staying the same."""
        if task.user is None:
            return None
        if kind == "user" or os.geteuid() != 0:
            if self._said.acquire(blocking=False):
                self._say(
                    f"transform.user {task.user!r} is ignored: only root can become another user, "
                    "so commands run as the user of the worker."
                )
            return None
        uid, gid, groups = find_user(task.user)
        give_folder(task.root, uid, gid)
        return uid, gid, groups


def add_tools(task: Task, env: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with the task's tools in front of its PATH."""
    if not task.tools:
        return dict(env)
    path = env.get("PATH")
    return {**env, "PATH": task.tools if path is None else f"{task.tools}:{path}"}


def _outcome(report: Report, log: LogWriter, *, started: datetime, finished: datetime) -> Outcome:
    status = signal.SIGKILL.value if report.status is None else report.status
    by_signal = os.WIFSIGNALED(status)
    return Outcome(
        exit_code=None if by_signal else os.WEXITSTATUS(status),
        signal=os.WTERMSIG(status) if by_signal else None,
        timed_out=report.timed_out,
        started=started,
        finished=finished,
        n_log_bytes_dropped=log.n_dropped,
        log_error=log.error or "",
    )


def _hidden(task: Task) -> tuple[str, ...]:
    paths = [os.path.realpath(path) for path in task.hidden]
    if "/" in paths:
        raise RefusedError(
            ErrorCode.SETTINGS_ILLEGAL,
            "the store, the catalog or PFS_HOME is '/': user code cannot run with all of the "
            "machine hidden; use a folder of its own",
        )
    return tuple(sorted(set(paths)))


def explain(report: Report, task: Task) -> PfsError:
    """Return the error for a task that could not be started."""
    command, reason = task.cmd[0], os.strerror(report.errno)
    match report.step:
        case "working-dir":
            return FailedError(
                ErrorCode.WORKING_DIR_NOT_FOUND,
                f"working_dir {report.path!r}: {reason}; make it in the image or on this machine, "
                "or take transform.working_dir out of the spec",
                path=report.path,
            )
        case "folder":
            return FailedError(
                ErrorCode.FOLDER_NOT_MADE,
                f"transform.secrets: nothing can be mounted at {report.path!r} here: {reason}; "
                "name another mount_path, or run the pipeline in containers",
                path=report.path,
            )
        case "command":
            return _not_found(command, _why(report, task), report.path)
        case "interpreter":
            why = f"{report.path} is there, but the interpreter that its first line names is not"
            return _not_found(command, why, report.path)
        case _:
            return UnavailableError(
                ErrorCode.SANDBOX_UNAVAILABLE,
                f"the namespaces of the command could not be made: {report.path}: {reason}",
                step=report.path,
            )


def _why(report: Report, task: Task) -> str:
    match report.errno:
        case errno.ENOENT if "/" in report.path:
            return "there is no such file"
        case errno.ENOENT:
            return f"PATH was searched: {task.env.get('PATH', '')!r}"
        case errno.EACCES:
            return f"{report.path} is not executable"
        case errno.ENOEXEC:
            return f"{report.path} is neither a program of this machine nor a script with a #! line"
        case errno.EINVAL:
            return f"{report.path} has a '=' in it, which cannot be started in a pod"
        case _:
            return f"{report.path}: {os.strerror(report.errno)}"


def _not_found(command: str, why: str, path: str) -> FailedError:
    return FailedError(
        ErrorCode.COMMAND_NOT_FOUND,
        f"command {command!r} cannot be run: {why}",
        command=command,
        path=path,
    )

"""The first process of a task's namespaces: prepares, takes a task, ends it, prepares for the next.

In namespaces it is process 1 of its process namespace and makes new mount and IPC namespaces for
each task; without them it adopts the command's orphans. It stays for many tasks, because
starting it costs more than all else. Invariants: it never returns to the spawner's loop; it
reports a task when no other process of it is left; one that user code has changed in any way
ends instead of taking another task.
"""

import errno
import json
import os
import resource
import select
import signal
from contextlib import suppress
from socket import socket
from types import FrameType
from typing import NoReturn

from pfs_provider.worker.executors.spawner import kernel, processes, sandbox
from pfs_provider.worker.executors.spawner.command import Identity, LaunchError, reap_until, start
from pfs_provider.worker.executors.spawner.wire import STOPPED, Parcel, receive

__all__ = ["DONE", "GO_SIGNAL", "LAST", "STOP_SIGNAL", "TRIAL", "Init"]

DONE, LAST = b"done", b"last"
"""What the spawner hears when a task is over, before the worker hears it: more may come, or not."""
STOP_SIGNAL, GO_SIGNAL = signal.SIGUSR1, signal.SIGUSR2
"""Have the task's processes stand still, or go on. User code that sends them stops itself."""
TRIAL: dict[str, object] = {"hidden": [], "user": None, "cmd": None}
"""A task that ends where user code would start; its folder is all of the machine."""

_LIMITS = tuple(getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_"))


class _Request:
    """What a task's text says, checked by nobody: the worker is our own program."""

    __slots__ = ("cmd", "cwd", "env", "folders", "hidden", "identity")

    def __init__(self, text: int) -> None:
        said = json.loads(_read(text))
        self.hidden: list[str] = said["hidden"]
        self.folders: dict[str, dict[str, str]] = said.get("folders", {})
        self.cmd: list[str] | None = said["cmd"]
        self.env: dict[str, str] = said.get("env", {})
        self.cwd: str = said.get("cwd", "/")
        user = said["user"]
        self.identity = None if user is None else Identity(*user)


def _read(text: int) -> bytes:
    blocks = []
    while block := os.read(text, 1 << 20):
        blocks.append(block)
    return b"".join(blocks)


class Init:
    """One first process.

    Args:
        channel: Brings tasks; the spawner's end hangs up when no more will come.
        lifeline: A pipe that hangs up when the spawner is dead.
        base: A descriptor of the spawner's mount namespace; None for a process without namespaces.
    """

    def __init__(self, channel: socket, lifeline: int, base: int | None) -> None:
        self._channel = channel
        self._lifeline = lifeline
        self._base = base
        self._death = signal.SIGTERM if base is None else signal.SIGKILL
        self._report: socket | None = None

    def run(self) -> NoReturn:
        """Do tasks until there are no more, then end this process."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored by a process 1
        if self._base is None:
            signal.signal(signal.SIGTERM, _stop)
            kernel.reap_orphans()
        self._tie()
        kernel.hide_from_peers()
        for number in (STOP_SIGNAL, GO_SIGNAL):
            signal.signal(number, self._pause)
        posture = _posture()
        is_fit = True
        while is_fit:
            problem = self._prepare()
            parcel = receive(self._channel)
            if parcel is None:
                break
            with socket(fileno=parcel.report) as self._report:
                report = self._report
                answer = self._answer(parcel, problem)
                is_fit = problem is None and _posture() == posture
                self._channel.send(DONE if is_fit else LAST)
                report.send(json.dumps(answer).encode())
        os._exit(0)

    def _tie(self) -> None:
        """End with the spawner, also if it ended just before."""
        kernel.die_with_parent(self._death)
        poll = select.poll()
        poll.register(self._lifeline, 0)  # a hang-up is always reported
        if poll.poll(0):
            os._exit(1)

    def _pause(self, number: int, _frame: FrameType | None) -> None:
        """Stop the task's processes, and say so, or let them go on; between tasks nothing is."""
        is_stop = number == STOP_SIGNAL
        what = signal.SIGSTOP if is_stop else signal.SIGCONT
        if self._base is None:
            processes.signal_descendants(what)
        else:
            with suppress(ProcessLookupError):
                os.kill(-1, what)
        if is_stop and self._report is not None:
            with suppress(OSError):
                self._report.send(STOPPED)

    def _prepare(self) -> OSError | None:
        """Leave the last task's namespaces for new ones; return what went wrong."""
        if self._base is None:
            return None
        try:
            sandbox.prepare(self._base)
        except OSError as error:
            return error
        return None

    def _answer(self, parcel: Parcel, problem: OSError | None) -> dict[str, object]:
        try:
            if problem is not None:
                raise problem
            return {"status": self._work(parcel)}
        except OSError as error:
            step = error.step if isinstance(error, LaunchError) else "sandbox"
            path = str(error.filename or error)
            return {"step": step, "errno": error.errno or errno.EIO, "path": path}
        finally:
            parcel.close()

    def _work(self, parcel: Parcel) -> int:
        asked = _Request(parcel.text)
        if asked.identity is not None:
            parcel.give_to(asked.identity.uid, asked.identity.gid)
        if parcel.folder is not None:
            sandbox.complete(parcel.folder, asked.hidden, asked.identity, asked.folders)
        if asked.cmd is None:
            return 0
        files = parcel.stdin, parcel.log
        pid = start(asked.cmd, asked.env, asked.cwd, files=files, identity=asked.identity)
        if asked.identity is not None:
            self._tie()  # a change of the user undid it
        status = reap_until(pid)
        (processes.end_descendants if self._base is None else processes.end_namespace)()
        return status


def _posture() -> tuple[object, ...]:
    """Return what others of the same user can change about this process; the rest is guarded."""
    return tuple(resource.getrlimit(limit) for limit in _LIMITS)


def _stop(_number: int, _frame: FrameType | None) -> None:
    processes.end_descendants()
    os._exit(0)

"""The first process of a task: made before the task is known, it prepares, starts and ends it.

In namespaces it is process 1; without them it adopts the command's orphans. Invariants: it never
returns to the spawner's loop; it reports once, when no other process of the task is left, or never,
if it was killed.
"""

import errno
import json
import os
import select
import signal
from socket import socket
from types import FrameType
from typing import NoReturn, Protocol

from pfs_provider.worker.executors.spawner import kernel, processes, sandbox
from pfs_provider.worker.executors.spawner.command import LaunchError, reap_until, rehearse, start
from pfs_provider.worker.executors.spawner.wire import Parcel, receive

__all__ = ["TRIAL", "Init", "IsolatedInit", "PlainInit"]

TRIAL: dict[str, object] = {"hidden": [], "user": None, "cmd": None}
"""A task that ends where user code would start; its folder is all of the machine."""


class _Request:
    """What a task's text says, checked by nobody: the worker is our own program."""

    __slots__ = ("cmd", "cwd", "env", "gid", "groups", "hidden", "uid")

    def __init__(self, text: int) -> None:
        said = json.loads(_read(text))
        self.hidden: list[str] = said["hidden"]
        self.cmd: list[str] | None = said["cmd"]
        self.env: dict[str, str] = said.get("env", {})
        self.cwd: str = said.get("cwd", "/")
        self.uid, self.gid = os.geteuid(), os.getegid()
        self.groups: list[int] | None = None
        if said["user"] is not None:
            self.uid, self.gid, self.groups = said["user"]


def _read(text: int) -> bytes:
    blocks = []
    while block := os.read(text, 1 << 20):
        blocks.append(block)
    return b"".join(blocks)


class Init(Protocol):
    """A task's first process."""

    def __init__(self, channel: socket, lifeline: int) -> None:
        """Take the socket on which the task comes and a pipe that hangs up with the spawner."""

    def run(self) -> NoReturn:
        """Wait for a task, do it, report, end this process."""


class IsolatedInit:
    """Process 1 of new namespaces: when it ends, the kernel ends all that is left."""

    def __init__(self, channel: socket, lifeline: int) -> None:
        self._channel = channel
        self._lifeline = lifeline

    def run(self) -> NoReturn:
        """Wait for a task, do it, report, end this process."""
        _tie(self._lifeline, signal.SIGKILL)
        problem: OSError | None = None
        try:
            sandbox.prepare()
            rehearse()
        except OSError as error:
            problem = error
        parcel = receive(self._channel)
        if parcel is not None:
            with socket(fileno=parcel.report) as report:
                report.send(json.dumps(self._answer(parcel, problem)).encode())
        os._exit(0)

    def _answer(self, parcel: Parcel, problem: OSError | None) -> dict[str, object]:
        try:
            if problem is not None:
                raise problem
            return {"status": self._work(parcel)}
        except OSError as error:
            return _describe(error)

    def _work(self, parcel: Parcel) -> int:
        asked = _Request(parcel.text)
        if asked.groups is not None:
            parcel.give_to(asked.uid, asked.gid)
        assert parcel.folder is not None  # the spawner adds it
        sandbox.complete(parcel.folder, asked.hidden, asked.uid, asked.gid)
        sandbox.drop_power(asked.uid, asked.gid, asked.groups)
        _tie(self._lifeline, signal.SIGKILL)  # a change of the user undid it
        kernel.hide_from_peers()
        if asked.cmd is None:
            return 0
        pid = start(asked.cmd, asked.env, asked.cwd, stdin=parcel.stdin, log=parcel.log)
        parcel.close()
        status = reap_until(pid)
        processes.end_namespace()
        return status


class PlainInit:
    """A child of the spawner that adopts what the command leaves, and ends it."""

    def __init__(self, channel: socket, lifeline: int) -> None:
        self._channel = channel
        self._lifeline = lifeline

    def run(self) -> NoReturn:
        """Wait for a task, do it, report, end this process."""
        kernel.reap_orphans()
        signal.signal(signal.SIGTERM, _stop)
        _tie(self._lifeline, signal.SIGTERM)
        parcel = receive(self._channel)
        if parcel is not None:
            with socket(fileno=parcel.report) as report:
                report.send(json.dumps(self._answer(parcel)).encode())
        os._exit(0)

    def _answer(self, parcel: Parcel) -> dict[str, object]:
        try:
            asked = _Request(parcel.text)
            if asked.groups is not None:
                parcel.give_to(asked.uid, asked.gid)
                sandbox.drop_power(asked.uid, asked.gid, asked.groups)
                _tie(self._lifeline, signal.SIGTERM)  # a change of the user undid it
            cmd = asked.cmd or []
            pid = start(cmd, asked.env, asked.cwd, stdin=parcel.stdin, log=parcel.log)
            parcel.close()
            status = reap_until(pid)
        except OSError as error:
            return _describe(error)
        processes.end_descendants()
        return {"status": status}


def _describe(error: OSError) -> dict[str, object]:
    step = error.step if isinstance(error, LaunchError) else "sandbox"
    return {"step": step, "errno": error.errno or errno.EIO, "path": str(error.filename or error)}


def _tie(lifeline: int, death: int) -> None:
    """End with the spawner, also if it ended just before."""
    kernel.die_with_parent(death)
    poll = select.poll()
    poll.register(lifeline, 0)  # a hang-up is always reported
    if poll.poll(0):
        os._exit(1)


def _stop(_number: int, _frame: FrameType | None) -> None:
    processes.end_descendants()
    os._exit(0)

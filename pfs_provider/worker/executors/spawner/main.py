"""The spawner's loop: takes tasks from the worker and gives each to a first process (init.py).

Started as ``python -I -S -c "… main()"`` with the descriptor of its socket, the kind of isolation
and the worker's process id. The report of a task comes on the task's own socket; that socket closes
when the task is gone. A message or a hang-up on it from the worker's side before the task is done
means: kill. A hang-up of the spawner's own socket means: kill all and end.

Invariants: one thread; no import after ``make_base``, whose root has other paths; every descriptor
is closed on exec; each first process has at most one task. Must not know: what is run.
"""

import contextlib
import errno
import gc
import json
import os
import select
import signal
import socket
import sys
from dataclasses import dataclass, replace
from typing import NoReturn

from pfs_provider.worker.executors.spawner import base, kernel, sandbox
from pfs_provider.worker.executors.spawner.init import (
    DONE,
    GO_SIGNAL,
    LAST,
    STOP_SIGNAL,
    TRIAL,
    Init,
)
from pfs_provider.worker.executors.spawner.wire import GO, STOP, Parcel, receive, send

__all__ = ["main"]

_N_KEPT = 2
"""First processes kept without a task: one may prepare while the other takes the next task."""


@dataclass(slots=True, eq=False)
class _First:
    """A first process: its id, the socket to it, the socket of its task's report."""

    pid: int
    channel: socket.socket
    report: socket.socket | None = None


class _Spawner:
    """The first processes, and the descriptors that the loop waits on."""

    def __init__(self, control: socket.socket, mounts: int | None) -> None:
        self.control = control
        self.mounts = mounts
        self.idle: list[_First] = []  # the one that has been so for longest first
        self.busy: list[_First] = []
        self.wake_read, self.wake_write = socket.socketpair()
        self.lifeline_read, self.lifeline_write = os.pipe()
        self.poll = select.poll()
        self._watch_children()

    def _watch_children(self) -> None:
        for end in (self.wake_read, self.wake_write):
            end.setblocking(False)
        signal.set_wakeup_fd(self.wake_write.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self.poll.register(self.wake_read, select.POLLIN)
        self.poll.register(self.control, select.POLLIN)

    def serve(self) -> None:
        """Work until the worker hangs up and the last task is gone."""
        is_open = True
        while is_open or self.busy:
            ready = {descriptor for descriptor, _event in self.poll.poll()}
            # In this order: a task that is done is not killed, and what is closed or taken at the
            # end may get a number that is in ``ready``.
            self._retire([first for first in self.busy if first.channel.fileno() in ready])
            self._tell([first for first in self.busy if _is_in(first.report, ready)])
            if self.wake_read.fileno() in ready:
                self._reap()
            if self.control.fileno() in ready:
                is_open = self._take()

    def _take(self) -> bool:
        """Start the task that arrived; return False, and kill all, if the worker hung up."""
        parcel = receive(self.control)
        if parcel is None:
            self._unwatch(self.control)
            self._kill(list(self.busy))
            for first in self.idle:
                first.channel.close()  # it waits for a task there
            return False
        self.hand_over(parcel)
        with contextlib.suppress(OSError):  # tried again, and reported, with the next task
            self.fill()
        return True

    def hand_over(self, parcel: Parcel) -> None:
        """Give a task to a first process without one."""
        report = socket.socket(fileno=parcel.report)
        try:
            if self.mounts is not None:
                parcel = replace(parcel, folder=sandbox.open_folder(parcel.root))
            first = self.idle.pop(0) if self.idle else self._make()
            send(first.channel, parcel)
        except OSError as error:
            what = {"step": "sandbox", "errno": error.errno, "path": str(error.filename or error)}
            with contextlib.suppress(OSError):
                report.send(json.dumps(what).encode())
            report.close()
        else:
            first.report = report
            self.busy.append(first)
            self.poll.register(report, select.POLLIN)
            self.poll.register(first.channel, select.POLLIN)
        finally:
            parcel.close()

    def fill(self) -> None:
        """Make first processes until enough are without a task."""
        while len(self.idle) < _N_KEPT and len(self.idle) + len(self.busy) < _N_KEPT:
            self.idle.append(self._make())

    def _make(self) -> _First:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            pid = kernel.clone(0 if self.mounts is None else kernel.CLONE_NEWPID)
            if pid == 0:
                self._become_init(ours, theirs)
        return _First(pid, ours)

    def _become_init(self, ours: socket.socket, theirs: socket.socket) -> NoReturn:
        """Let go of all that belongs to the loop, then work."""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for end in (ours, self.control, self.wake_read, self.wake_write):
                end.close()
            for first in (*self.idle, *self.busy):
                first.channel.close()
                if first.report is not None:
                    first.report.close()
            os.close(self.lifeline_write)
            Init(theirs, self.lifeline_read, self.mounts).run()
        finally:
            os._exit(1)

    def _retire(self, done: list[_First]) -> None:
        """Take back first processes whose task is over; let go of those that ended or will."""
        for first in done:
            try:
                said = first.channel.recv(16)
            except OSError:
                said = b""
            if said == DONE:
                self._free(first)
                self.idle.append(first)
            elif said == LAST:
                self._free(first)
                first.channel.close()
            else:
                self._unwatch(first.channel)  # it ended: reaping it tells the rest

    def _free(self, first: _First) -> None:
        self.busy.remove(first)
        self._unwatch(first.channel)
        if first.report is not None:
            self._unwatch(first.report)
            first.report.close()
            first.report = None

    def _tell(self, firsts: list[_First]) -> None:
        """Do with tasks what the worker says."""
        for first in firsts:
            try:
                said = b"" if first.report is None else first.report.recv(16)
            except OSError:
                said = b""
            if said in {STOP, GO}:
                os.kill(first.pid, STOP_SIGNAL if said == STOP else GO_SIGNAL)
            else:
                self._kill([first])

    def _kill(self, firsts: list[_First]) -> None:
        for first in firsts:
            if first.report is not None:
                self._unwatch(first.report)
            os.kill(first.pid, signal.SIGTERM if self.mounts is None else signal.SIGKILL)

    def _reap(self) -> None:
        self.wake_read.recv(4096)
        while True:
            try:
                pid, _status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for first in [first for first in (*self.idle, *self.busy) if first.pid == pid]:
                if first in self.busy:
                    self._free(first)
                else:
                    self.idle.remove(first)
                first.channel.close()

    def _unwatch(self, own: socket.socket) -> None:
        with contextlib.suppress(KeyError):  # it was before
            self.poll.unregister(own)

    def try_out(self) -> None:
        """Make and leave the namespaces of a task once; OSError says what this machine forbids."""
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        text, more = os.pipe()
        os.write(more, json.dumps(TRIAL).encode())
        os.close(more)
        self.hand_over(Parcel(b"", text, there.detach(), os.dup(0), os.dup(0)))
        answer = json.loads(here.recv(65536) or b"{}")
        if answer.get("status") != 0:
            what = answer.get("path", "start the first process of a namespace")
            raise OSError(answer.get("errno", errno.EIO), "", what)


def _is_in(own: socket.socket | None, ready: set[int]) -> bool:
    return own is not None and own.fileno() in ready


def _isolate() -> tuple[str, int]:
    """Make the root that tasks copy; return whose power is used and a descriptor of its mounts."""
    if not kernel.is_supported():
        raise OSError(errno.ENOSYS, "", f"call the kernel of a {os.uname().machine}")
    kind = base.enter_mount_namespace()
    base.make_base()
    kernel.bound_capabilities(sandbox.KEPT_CAPABILITIES if os.geteuid() == 0 else 0)
    return kind, os.open(f"{base.OLD}/proc/self/ns/mnt", os.O_RDONLY)


def _tie_to(worker: int) -> None:
    kernel.die_with_parent(signal.SIGKILL)
    if os.getppid() != worker:
        sys.exit(0)


def main() -> None:
    """Serve one worker to its end."""
    descriptor, isolated, worker = int(sys.argv[1]), sys.argv[2] == "isolated", int(sys.argv[3])
    control = socket.socket(fileno=descriptor)
    control.set_inheritable(False)
    _tie_to(worker)
    os.umask(0)
    gc.disable()
    try:
        kind, mounts = _isolate() if isolated else ("plain", None)
        kernel.forget_inheritable()
        kernel.forbid_new_privileges()
        _tie_to(worker)  # a change of the user's namespace undoes it
        spawner = _Spawner(control, mounts)
        if isolated:
            spawner.try_out()
        spawner.fill()
    except OSError as error:
        control.send(json.dumps({"step": error.filename, "errno": error.errno}).encode())
        return
    control.send(json.dumps({"kind": kind}).encode())
    spawner.serve()

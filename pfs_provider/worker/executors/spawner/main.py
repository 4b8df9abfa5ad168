"""The spawner's loop: takes tasks from the worker and hands each to a process made for it.

Started as ``python -I -S -c "… main()"`` with the descriptor of its socket, the kind of isolation
and the worker's process id. One process is always made in advance, so that a task waits for none.
The report of a task comes on the task's own socket; that socket closes when the task's first process
is gone, and with it all others. A message or a hang-up on it from the worker's side means: kill. A
hang-up of the spawner's own socket means: kill all and end.

Invariants: one thread; no import after ``make_base``, whose root has other paths; every descriptor
is closed on exec. Must not know: what is run.
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
from collections.abc import Iterable
from dataclasses import replace
from typing import NoReturn

from pfs_provider.worker.executors.spawner import base, kernel, sandbox
from pfs_provider.worker.executors.spawner.init import TRIAL, Init, IsolatedInit, PlainInit
from pfs_provider.worker.executors.spawner.wire import Parcel, receive, send

__all__ = ["main"]


class _Spawner:
    """The tasks that run, by process id, and the descriptors that the loop waits on."""

    def __init__(self, control: socket.socket, *, isolated: bool) -> None:
        self.control = control
        self.isolated = isolated
        self.tasks: dict[int, socket.socket] = {}
        self.spare: tuple[int, socket.socket] | None = None
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
        """Work until the worker hangs up and the last process is gone."""
        is_open = True
        while is_open or self.tasks:
            ready = {descriptor for descriptor, _event in self.poll.poll()}
            # In this order: what is closed or taken below may get a number that is in ``ready``.
            self._kill([pid for pid, own in self.tasks.items() if own.fileno() in ready])
            if self.wake_read.fileno() in ready:
                self._reap()
            if self.control.fileno() in ready:
                is_open = self._take()

    def _take(self) -> bool:
        """Start the task that arrived; return False, and kill all, if the worker hung up."""
        parcel = receive(self.control)
        if parcel is None:
            self._unwatch(self.control)
            self._kill(list(self.tasks))
            if self.spare is not None:
                self.spare[1].close()  # it waits for work there
            return False
        self.hand_over(parcel)
        with contextlib.suppress(OSError):  # tried again, and reported, with the next task
            self.prepare()
        return True

    def hand_over(self, parcel: Parcel) -> None:
        """Give a task to the process made in advance, or to one made now."""
        report = socket.socket(fileno=parcel.report)
        try:
            if self.isolated:
                parcel = replace(parcel, folder=sandbox.open_folder(parcel.root))
            pid, channel = self.prepare()
            self.spare = None
            with channel:
                send(channel, parcel)
        except OSError as error:
            what = {"step": "sandbox", "errno": error.errno, "path": str(error.filename or error)}
            with contextlib.suppress(OSError):
                report.send(json.dumps(what).encode())
            report.close()
        else:
            self.tasks[pid] = report
            self.poll.register(report, select.POLLIN)
        finally:
            parcel.close()

    def prepare(self) -> tuple[int, socket.socket]:
        """Return the process made in advance and its socket, after making it if there is none."""
        if self.spare is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                pid = kernel.clone(sandbox.namespaces() if self.isolated else 0)
                if pid == 0:
                    self._become_init(ours, theirs)
            self.spare = pid, ours
        return self.spare

    def _become_init(self, ours: socket.socket, theirs: socket.socket) -> NoReturn:
        """Let go of all that belongs to the loop, then work."""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            owned = (self.control, self.wake_read, self.wake_write, *self.tasks.values())
            for other in (ours, *owned):
                other.close()
            os.close(self.lifeline_write)
            kind: type[Init] = IsolatedInit if self.isolated else PlainInit
            kind(theirs, self.lifeline_read).run()
        finally:
            os._exit(1)

    def _kill(self, pids: Iterable[int]) -> None:
        for pid in pids:
            self._unwatch(self.tasks[pid])
            os.kill(pid, signal.SIGKILL if self.isolated else signal.SIGTERM)

    def _reap(self) -> None:
        self.wake_read.recv(4096)
        while True:
            try:
                pid, _status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self.spare is not None and self.spare[0] == pid:
                self.spare[1].close()
                self.spare = None
            own = self.tasks.pop(pid, None)
            if own is not None:
                self._unwatch(own)
                own.close()

    def _unwatch(self, own: socket.socket) -> None:
        with contextlib.suppress(KeyError):  # it was before, when the task was killed
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


def _isolate() -> str:
    """Make the root that tasks copy; return whose power is used: ``root`` or ``user``."""
    if not kernel.is_supported():
        raise OSError(errno.ENOSYS, "", f"call the kernel of a {os.uname().machine}")
    kind = base.enter_mount_namespace()
    base.make_base()
    kernel.bound_capabilities(sandbox.KEPT_CAPABILITIES)
    return kind


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
        kind = _isolate() if isolated else "plain"
        kernel.forbid_new_privileges()
        _tie_to(worker)  # a change of the user's namespace undoes it
        spawner = _Spawner(control, isolated=isolated)
        if isolated:
            spawner.try_out()
        spawner.prepare()
    except OSError as error:
        control.send(json.dumps({"step": error.filename, "errno": error.errno}).encode())
        return
    control.send(json.dumps({"kind": kind}).encode())
    spawner.serve()

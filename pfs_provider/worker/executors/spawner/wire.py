"""Messages with descriptors between the worker, the spawner and a task's first process.

A task is one message with four descriptors: its text (JSON), the socket of its report, what the
command reads, what it writes to. Invariants: every descriptor that arrives is closed on exec and owned
by the receiver. Must not know: what a text says.
"""

import array
import os
import socket
import stat
from dataclasses import dataclass

__all__ = ["Parcel", "receive", "send"]

_N_DESCRIPTORS = 4


@dataclass(frozen=True, slots=True)
class Parcel:
    """A task's descriptors, in the order in which they travel."""

    text: int
    report: int
    stdin: int
    log: int

    def close(self) -> None:
        """Let go of all but the report."""
        for descriptor in (self.text, self.stdin, self.log):
            os.close(descriptor)

    def give_to(self, uid: int, gid: int) -> None:
        """Let a user open what it reads and writes by the names /dev/stdin and /dev/stdout.

        Never a device: /dev/null belongs to the machine.
        """
        for descriptor in (self.stdin, self.log):
            if not stat.S_ISCHR(os.fstat(descriptor).st_mode):
                os.fchown(descriptor, uid, gid)


def send(channel: socket.socket, parcel: Parcel) -> None:
    """Send a task. The descriptors stay open here."""
    numbers = array.array("i", [parcel.text, parcel.report, parcel.stdin, parcel.log])
    channel.sendmsg([b"task"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])


def receive(channel: socket.socket) -> Parcel | None:
    """Wait for a task and return it, None if the other side hung up."""
    size = socket.CMSG_SPACE(_N_DESCRIPTORS * array.array("i").itemsize)
    data, extra, _flags, _from = channel.recvmsg(16, size, socket.MSG_CMSG_CLOEXEC)
    if not data:
        return None
    numbers = array.array("i")
    for _level, _kind, content in extra:
        numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
    return Parcel(*numbers)

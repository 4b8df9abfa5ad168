"""Messages with descriptors between the worker, the spawner and a task's first process.

A task is one message: the name of its folder, and the descriptors of its text (JSON), of the
socket for its report, of what the command reads and of what it writes to. Invariants: every
descriptor that arrives is closed on exec and owned by the receiver. Must not know: what a text
says.
"""

import array
import os
import socket
import stat
from dataclasses import dataclass

__all__ = ["GO", "KILL", "STOP", "STOPPED", "Parcel", "receive", "send"]

KILL, STOP, GO = b"kill", b"stop", b"go"
"""What the worker says on a task's own socket; a hang-up means to kill, too."""
STOPPED = b"stopped"
"""What it hears when all processes of the task stand still."""

_MAX_DESCRIPTORS = 5
_MAX_PATH_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Parcel:
    """A task: the folder that becomes ``/pfs``, by name, and its descriptors as they travel.

    ``folder`` is the folder itself; the spawner adds it, for the process that cannot see the name.
    """

    root: bytes
    text: int
    report: int
    stdin: int
    log: int
    folder: int | None = None

    def close(self) -> None:
        """Let go of all but the report."""
        for descriptor in (self.text, self.stdin, self.log, self.folder):
            if descriptor is not None:
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
    if parcel.folder is not None:
        numbers.append(parcel.folder)
    # An empty message would look like a hang-up.
    channel.sendmsg([b"=" + parcel.root], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])


def receive(channel: socket.socket) -> Parcel | None:
    """Wait for a task and return it, None if the other side hung up."""
    size = socket.CMSG_SPACE(_MAX_DESCRIPTORS * array.array("i").itemsize)
    data, extra, _flags, _from = channel.recvmsg(_MAX_PATH_BYTES + 1, size, socket.MSG_CMSG_CLOEXEC)
    if not data:
        return None
    numbers = array.array("i")
    for _level, _kind, content in extra:
        numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
    return Parcel(data[1:], *numbers)

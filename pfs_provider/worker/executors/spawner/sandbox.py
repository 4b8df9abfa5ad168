"""What is private to one task: its /pfs, /proc, /tmp and home, and the covers over hidden folders.

Runs in a first process: ``prepare`` before the task is known, so that it waits for none of it,
``complete`` after. Invariants: after ``prepare`` the machine's own tree cannot be reached by any
path; user code gets no capability that could change a mount, because the bounding set has none
and exec keeps to it. Must not know: how tasks arrive and how results go back.
"""

import os
import stat

from pfs_provider.worker.executors.spawner import kernel
from pfs_provider.worker.executors.spawner.base import EMPTY, HOME, NEW, NOTHING, OLD
from pfs_provider.worker.executors.spawner.command import Identity
from pfs_provider.worker.executors.spawner.given import show_folder

__all__ = ["KEPT_CAPABILITIES", "complete", "open_folder", "prepare"]

_PRIVATE = "/private"
_PFS = "/pfs"
_FOLDERS = {"home": 0o700, "tmp": 0o1777, "work": 0o700, "more": 0o1777, "shm": 0o1777}
KEPT_CAPABILITIES = sum(1 << number for number in (0, 1, 3, 4, 5, 6, 7, 10))
"""For root: chown, dac_override, fowner, fsetid, kill, setgid, setuid, net_bind_service.

Left out above all: sys_admin (mounts), dac_read_search (opens any inode by its number), mknod (a
node of the disk reads every byte of it), sys_ptrace, setfcap, setpcap, sys_chroot.
"""


def prepare(base: int) -> None:
    """Make new namespaces and the root in them, but for the task's folder and covers, and go there.

    ``base`` is a descriptor of the spawner's mounts, which are copied. What the last task had ends
    here, because nothing uses it any more.
    """
    os.umask(0)
    kernel.enter_mounts(base)
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC, "make mount and IPC namespaces")
    kernel.mount("tmpfs", _PRIVATE, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=711")
    for name, mode in _FOLDERS.items():
        os.mkdir(f"{_PRIVATE}/{name}", mode)
    kernel.bind(f"{_PRIVATE}/home", NEW + HOME)
    kernel.bind(f"{_PRIVATE}/shm", f"{NEW}/dev/shm")
    if os.path.isdir(f"{NEW}/var/tmp"):
        kernel.bind(f"{_PRIVATE}/more", f"{NEW}/var/tmp")
    _make_tmp()
    _make_proc()
    kernel.bind(EMPTY, NEW + _PFS)  # until the task's folder covers it: covers are made from it
    os.chdir(NEW)
    kernel.pivot(b".", b".")
    kernel.detach(".")
    os.chdir("/")


def _make_proc() -> None:
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    # Root may write to /proc/sys whatever its capabilities: it gets no writable /proc.
    read_only = kernel.MS_RDONLY if os.geteuid() == 0 else 0
    kernel.mount("proc", f"{NEW}/proc", "proc", flags | read_only)


def _make_tmp() -> None:
    """Show the machine's /tmp; what the task writes there is its own and ends with it."""
    options = f"lowerdir={OLD}/tmp,upperdir={_PRIVATE}/tmp,workdir={_PRIVATE}/work"
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    try:
        kernel.mount("overlay", f"{NEW}/tmp", "overlay", flags, options)
    except OSError:  # before Linux 5.11 only root may
        kernel.bind(f"{_PRIVATE}/tmp", f"{NEW}/tmp")


def open_folder(root: bytes) -> int:
    """Return a descriptor of a folder of the machine that ``complete`` can take. Spawner only."""
    return kernel.open_tree(os.fsencode(OLD) + root, f"open {os.fsdecode(root)}")


def complete(
    folder: int,
    hidden: list[str],
    identity: Identity | None,
    folders: dict[str, dict[str, str]],
) -> None:
    """Cover what is hidden, show the task's folder as ``/pfs``, and the folders of its own."""
    for path in hidden:
        _cover(path)
    kernel.attach_tree(folder, _PFS)
    if identity is not None:
        os.chown(HOME, identity.uid, identity.gid)
    for path, files in folders.items():
        show_folder(path, files)


def _cover(target: str) -> None:
    try:
        found = os.lstat(target)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # not there, or out of reach for user code as it is
    if stat.S_ISDIR(found.st_mode):
        kernel.bind(_PFS, target)
    elif not stat.S_ISLNK(found.st_mode):
        kernel.bind(f"{_PFS}/{NOTHING}", target)

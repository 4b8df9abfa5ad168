"""The spawner's own view of the machine, from which every task's root is copied.

It is made once: ``/old`` is the machine as it is, ``/new`` is the root that tasks get, made of
read-only bind mounts of the machine's top folders and an own ``/dev`` and ``/run``. A task's
process gets a copy of these mounts and adds what is private to it (sandbox.py).

Invariants: nothing here changes what other processes of the machine see; what is mounted there
later does not come here, where it would be neither read-only nor covered. Must not know: tasks.
"""

import os
import stat

from pfs_provider.worker.executors.spawner import kernel

__all__ = ["EMPTY", "HOME", "NEW", "NOTHING", "OLD", "enter_mount_namespace", "make_base"]

OLD, NEW = "/old", "/new"
EMPTY, NOTHING = "/empty", "nothing"
"""What hidden folders are covered with, and the file in it for hidden files; read-only."""
HOME = "/pfs-home"

_SPOTS = ("/tmp", "/var/tmp", "/mnt", "/run")
_OWN = ("proc", "dev", "tmp", "run", "pfs", "pfs-home")
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_ACCELERATORS = ("nvidia", "dri", "kfd", "infiniband")
_DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
_RUN = (  # name service and the programs of some distributions; sockets of services stay out
    "systemd/resolve", "resolvconf", "NetworkManager", "nscd",
    "current-system", "booted-system", "wrappers", "opengl-driver",
)  # fmt: skip
_OPTIONS = {
    "nosuid": 2,
    "nodev": 4,
    "noexec": 8,
    "noatime": 1024,
    "nodiratime": 2048,
    "relatime": 1 << 21,
}


def enter_mount_namespace() -> str:
    """Get a mount namespace of one's own; return whose power did it: ``root`` or ``user``."""
    try:
        kernel.unshare(kernel.CLONE_NEWNS, "make a mount namespace")
    except PermissionError:
        _enter_user_namespace()
        kernel.unshare(kernel.CLONE_NEWNS, "make a mount namespace in a user namespace")
        return "user"
    return "root"


def _enter_user_namespace() -> None:
    """Become the owner of a user namespace in which the user keeps its own number."""
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(kernel.CLONE_NEWUSER, "make a user namespace")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def make_base() -> None:
    """Leave this process with the root that the module describes."""
    kernel.mount("", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    spot = next(path for path in _SPOTS if os.path.isdir(path))
    kernel.mount("tmpfs", spot, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755")
    os.chdir(spot)
    for name in ("old", "new", "private", "empty"):
        os.mkdir(name)
    kernel.pivot(b".", b"old")
    os.chdir("/")
    _make_covers()
    kernel.mount("tmpfs", NEW, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755")
    _copy_top()
    for name in _OWN:
        os.mkdir(f"{NEW}/{name}")
    _make_run()
    _make_dev()
    _seal()


def _make_covers() -> None:
    kernel.mount("tmpfs", EMPTY, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=000")
    os.close(os.open(f"{EMPTY}/{NOTHING}", os.O_CREAT | os.O_WRONLY, 0))
    # The mount is made read-only, so that every bind of it is, without a second call.
    flags = kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY
    kernel.mount("", EMPTY, "", flags | kernel.MS_NOSUID | kernel.MS_NODEV)


def _copy_top() -> None:
    for name in os.listdir(OLD):
        if name not in _OWN:
            _copy(f"{OLD}/{name}", f"{NEW}/{name}")


def _copy(source: str, target: str) -> None:
    """Show one folder, file or link of the machine; what cannot be shown is left out."""
    try:
        mode = os.lstat(source).st_mode
        if stat.S_ISLNK(mode):
            os.symlink(os.readlink(source), target)
        elif stat.S_ISDIR(mode):
            os.makedirs(target)
            kernel.bind(source, target)
        elif stat.S_ISREG(mode) or stat.S_ISCHR(mode):
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
            kernel.bind(source, target)
    except OSError:
        return  # a stale network mount, say: the task meets "no such file" only if it goes there


def _make_run() -> None:
    for name in _RUN:
        if os.path.lexists(f"{OLD}/run/{name}"):
            os.makedirs(os.path.dirname(f"{NEW}/run/{name}"), exist_ok=True)
            _copy(f"{OLD}/run/{name}", f"{NEW}/run/{name}")


def _make_dev() -> None:
    for name in os.listdir(f"{OLD}/dev"):
        if name in _DEVICES or name.startswith(_ACCELERATORS):
            _copy(f"{OLD}/dev/{name}", f"{NEW}/dev/{name}")
    for name, target in _DEVICE_LINKS.items():
        os.symlink(target, f"{NEW}/dev/{name}")
    os.mkdir(f"{NEW}/dev/shm")
    os.mkdir(f"{NEW}/dev/pts")


def _seal() -> None:
    """Make everything so far read-only; devices stay writable, they are no files."""
    try:
        kernel.make_read_only(NEW)
    except OSError:
        _make_read_only_one_by_one()
    options = "newinstance,ptmxmode=0666,mode=620"
    kernel.mount("devpts", f"{NEW}/dev/pts", "devpts", kernel.MS_NOSUID | kernel.MS_NOEXEC, options)


def _make_read_only_one_by_one() -> None:
    """Do the same before Linux 5.12; flags that a mount has must be named, or it is refused."""
    with open(f"{OLD}/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        rows = [line.split(" ", 6) for line in file]
    for row in rows:
        place = (
            row[4]
            .replace("\\040", " ")
            .replace("\\011", "\t")
            .replace("\\012", "\n")
            .replace("\\134", "\\")
        )
        if place == NEW or place.startswith(NEW + "/"):
            kept = sum(_OPTIONS.get(option, 0) for option in row[5].split(","))
            kernel.mount(
                "", place, "", kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kept
            )

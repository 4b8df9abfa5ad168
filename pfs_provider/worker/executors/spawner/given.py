"""Folders that one task alone has: their files lie in memory and are read-only, at any path.

Runs in a first process, in the task's own mounts: whatever the machine has at such a path is
covered there and nowhere changed. Invariant: a folder that cannot be made is an error, never left
out. Must not know: what the files are for.
"""

import base64
import errno
import os
import stat

from pfs_provider.worker.executors.spawner import kernel
from pfs_provider.worker.executors.spawner.command import LaunchError

__all__ = ["STEP", "show_folder"]

STEP = "folder"
"""What is at fault, in a report."""
_PRIVATE = kernel.MS_NOSUID | kernel.MS_NODEV
_LOCK = kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | _PRIVATE
_UNLOCK = kernel.MS_REMOUNT | kernel.MS_BIND | _PRIVATE


def show_folder(path: str, files: dict[str, str]) -> None:
    """Show files at a path.

    Args:
        path: Absolute. What is there is covered; what is not there is made, for this task.
        files: Name to content, in base64. Everybody in the task may read them.

    Raises:
        LaunchError: ``folder``: there is a file, or no way to make the folder.
    """
    target = os.path.realpath(path)
    try:
        _make(target)
        kernel.mount("tmpfs", target, "tmpfs", _PRIVATE | kernel.MS_NOEXEC, "mode=755")
        for name, text in files.items():
            _write(f"{target}/{name}", base64.b64decode(text))
        kernel.mount("", target, "", _LOCK | kernel.MS_NOEXEC)
    except OSError as error:
        raise LaunchError(STEP, error.errno or errno.EIO, path) from error


def _make(target: str) -> None:
    above, below = target, []
    while not os.path.isdir(above):
        if os.path.lexists(above):
            raise NotADirectoryError(errno.ENOTDIR, "", above)
        above, name = os.path.split(above)
        below.append(name)
    if not below:
        return
    if os.access(above, os.W_OK):
        os.makedirs(target)
    elif _is_root(above):
        # One tmpfs for all tasks of a worker, so the empty folder stays for the next one.
        kernel.mount("", "/", "", _UNLOCK)
        try:
            os.makedirs(target, exist_ok=True)
        finally:
            kernel.mount("", "/", "", _LOCK)
    else:
        _copy(above, target)


def _is_root(folder: str) -> bool:
    """Return whether a folder is of the root that the spawner made, not of the machine."""
    return os.stat(folder).st_dev == os.stat("/").st_dev and not _is_mount(folder)


def _is_mount(folder: str) -> bool:
    return folder != "/" and os.path.ismount(folder)


def _copy(folder: str, target: str) -> None:
    """Put a folder in the place of the machine's that looks the same and has the target, too."""
    mode = stat.S_IMODE(os.stat(folder).st_mode)
    before = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        names = os.listdir(before)
        os.fchdir(before)  # a relative path leads below what is covered now
        kernel.mount("tmpfs", folder, "tmpfs", _PRIVATE, f"mode={mode:o}")
        for name in names:
            _show(name, f"{folder}/{name}")
        os.makedirs(target)
        kernel.mount("", folder, "", _LOCK)
    finally:
        os.chdir("/")
        os.close(before)


def _show(name: str, target: str) -> None:
    mode = os.lstat(name).st_mode
    if stat.S_ISLNK(mode):
        os.symlink(os.readlink(name), target)
        return
    if stat.S_ISDIR(mode):
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
    kernel.bind(f"./{name}", target)


def _write(path: str, data: bytes) -> None:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o444), "wb") as file:
        os.fchmod(file.fileno(), 0o444)
        file.write(data)

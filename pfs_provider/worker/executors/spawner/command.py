"""Finds and starts the command of a task, and waits for it.

Invariants: the command gets exactly the environment, the descriptors 0, 1, 2 and default signal
handling; a command that cannot be started is reported with the reason, never run half; this process
is the same user before and after. Must not know: namespaces.
"""

import errno
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

__all__ = ["Identity", "LaunchError", "reap_until", "start"]

_UNTOUCHED = frozenset({signal.SIGKILL, signal.SIGSTOP})
_DEFAULT = signal.valid_signals() - _UNTOUCHED


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a command runs as."""

    uid: int
    gid: int
    groups: list[int]


class LaunchError(OSError):
    """The command cannot be started; ``step`` says what is at fault.

    Args:
        step: ``working-dir``, ``command`` or ``interpreter``.
        code: An errno.
        path: The file or folder at fault, or the name that was searched for.
    """

    def __init__(self, step: str, code: int, path: str) -> None:
        super().__init__(code, os.strerror(code), path)
        self.step = step


def start(
    cmd: list[str],
    env: Mapping[str, str],
    cwd: str,
    *,
    files: tuple[int, int],
    identity: Identity | None,
) -> int:
    """Start the command in the folder ``cwd`` in a session of its own; return its process id.

    ``files`` are what it reads and what it writes to.
    """
    os.umask(0o022)
    with nullcontext() if identity is None else _becoming(identity):
        try:
            os.chdir(cwd)
        except OSError as error:
            raise LaunchError("working-dir", error.errno or errno.ENOENT, cwd) from None
        return _search(cmd, env, files)


def _search(cmd: list[str], env: Mapping[str, str], files: tuple[int, int]) -> int:
    reason = LaunchError("command", errno.ENOENT, cmd[0])
    for path in _candidates(cmd[0], env.get("PATH", "")):
        if not os.path.exists(path):
            continue
        if os.path.isdir(path) or not os.access(path, os.X_OK, effective_ids=True):
            reason = LaunchError("command", errno.EACCES, path)
            continue
        try:
            return _spawn(path, cmd, env, files)
        except OSError as error:
            step = "interpreter" if error.errno == errno.ENOENT else "command"
            reason = LaunchError(step, error.errno or errno.ENOEXEC, path)
    raise reason


def _candidates(name: str, search_path: str) -> Iterator[str]:
    if "/" in name:
        yield name
    elif name:
        for folder in search_path.split(":"):
            yield os.path.join(folder or ".", name)


def _spawn(path: str, cmd: list[str], env: Mapping[str, str], files: tuple[int, int]) -> int:
    stdin, log = files
    actions = [(os.POSIX_SPAWN_DUP2, old, new) for old, new in ((stdin, 0), (log, 1), (log, 2))]
    return os.posix_spawn(
        path, cmd, env, file_actions=actions, setsid=True, setsigmask=(), setsigdef=_DEFAULT
    )


@contextmanager
def _becoming(identity: Identity) -> Iterator[None]:
    """Be another user for a while. What is started meanwhile has no way back: exec forgets it."""
    uid, gid, groups = os.geteuid(), os.getegid(), os.getgroups()
    os.setgroups(identity.groups)
    os.setresgid(identity.gid, identity.gid, gid)
    os.setresuid(identity.uid, identity.uid, uid)
    try:
        yield
    finally:
        os.setresuid(uid, uid, uid)
        os.setresgid(gid, gid, gid)
        os.setgroups(groups)


def reap_until(pid: int) -> int:
    """Wait for every child that ends until ``pid`` does; return its wait status."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            return status

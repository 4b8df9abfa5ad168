"""Finds and starts the command of a task, and waits for it.

Invariants: the command gets exactly the environment, the descriptors 0, 1, 2 and default signal
handling; a command that cannot be started is reported with the reason, never run half.
Must not know: namespaces.
"""

import errno
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress

__all__ = ["LaunchError", "reap_until", "rehearse", "start"]

_UNTOUCHED = frozenset({signal.SIGKILL, signal.SIGSTOP})


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


def start(cmd: list[str], env: Mapping[str, str], cwd: str, *, stdin: int, log: int) -> int:
    """Start the command in the folder ``cwd`` in a session of its own; return its process id."""
    os.umask(0o022)
    try:
        os.chdir(cwd)
    except OSError as error:
        raise LaunchError("working-dir", error.errno or errno.ENOENT, cwd) from None
    reason = LaunchError("command", errno.ENOENT, cmd[0])
    for path in _candidates(cmd[0], env.get("PATH", "")):
        if not os.path.exists(path):
            continue
        if os.path.isdir(path) or not os.access(path, os.X_OK):
            reason = LaunchError("command", errno.EACCES, path)
            continue
        try:
            return _spawn(path, cmd, env, stdin=stdin, log=log)
        except OSError as error:
            step = "interpreter" if error.errno == errno.ENOENT else "command"
            reason = LaunchError(step, error.errno or errno.ENOEXEC, path)
    raise reason


def rehearse() -> None:
    """Go the way of ``start`` once without a result: the first time costs page faults."""
    with suppress(OSError):
        _spawn("/", ["/"], {}, stdin=0, log=1)


def _candidates(name: str, search_path: str) -> Iterator[str]:
    if "/" in name:
        yield name
    elif name:
        for folder in search_path.split(":"):
            yield os.path.join(folder or ".", name)


def _spawn(path: str, cmd: list[str], env: Mapping[str, str], *, stdin: int, log: int) -> int:
    actions = [
        (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_DUP2, log, 1),
        (os.POSIX_SPAWN_DUP2, log, 2),
    ]
    return os.posix_spawn(
        path,
        cmd,
        env,
        file_actions=actions,
        setsid=True,
        setsigmask=(),
        setsigdef=signal.valid_signals() - _UNTOUCHED,
    )


def reap_until(pid: int) -> int:
    """Wait for every child that ends until ``pid`` does; return its wait status."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            return status

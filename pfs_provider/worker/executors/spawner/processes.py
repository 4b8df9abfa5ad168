"""Ends the processes that a command left behind.

Must not know: why they are there.
"""

import os
import signal
from contextlib import suppress

__all__ = ["end_descendants", "end_namespace", "signal_descendants"]


def end_namespace() -> None:
    """Kill every other process of this process namespace and wait until none is left."""
    while _has_children():
        with suppress(OSError):
            os.kill(-1, signal.SIGKILL)
        _wait()


def end_descendants() -> None:
    """Kill every process below this one, which adopts orphans, until none is left."""
    while _has_children():
        signal_descendants(signal.SIGKILL)
        _wait()


def signal_descendants(number: signal.Signals) -> None:
    """Send a signal to every process below this one; those that are being made may be missed."""
    for pid in _find_descendants():
        with suppress(OSError):  # it ended meanwhile, or became another user's
            os.kill(pid, number)


def _has_children() -> bool:
    """Return whether a child is alive, after taking leave of those that are not."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _wait() -> None:
    with suppress(ChildProcessError):
        os.waitpid(-1, 0)


def _find_descendants() -> list[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            children.setdefault(_find_parent(name), []).append(int(name))
    found: list[int] = []
    todo = [os.getpid()]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def _find_parent(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # "pid (name) state parent …": a name may hold anything, so cut behind its last bracket
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0

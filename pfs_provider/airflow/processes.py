"""Processes that outlive the task that started them: their names, and their end.

Invariant: a process is named by machine, pid and start time, so that a pid used again is another
process. Must not know: what a process does.
"""

import os
import signal

from pfs_provider.processes import name_machine, start_of

__all__ = ["end_process", "is_alive", "process_name"]


def process_name(pid: int) -> str:
    """Return a name of a process that holds beyond this one."""
    return f"{name_machine()}/{pid}/{start_of(pid)}"


def is_alive(name: str) -> bool | None:
    """Return whether the process lives; None if it is on another machine."""
    machine, pid, started = name.split("/")
    if machine != name_machine():
        return None
    return bool(started) and start_of(int(pid)) == started


def end_process(name: str) -> bool:
    """Ask the process to end. Returns whether it was there to be asked."""
    if not is_alive(name):
        return False
    try:
        os.kill(int(name.split("/")[1]), signal.SIGTERM)
    except ProcessLookupError:
        return False
    return True

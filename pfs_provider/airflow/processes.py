"""Processes that outlive the task that started them: their names, and their end.

Invariant: a process is named by machine, pid and start time, so that a pid used again is another
process. Must not know: what a process does.
"""

import os
import platform
import signal
from pathlib import Path

__all__ = ["end_process", "is_alive", "process_name"]


def process_name(pid: int) -> str:
    """Return a name of a process that holds beyond this one."""
    return f"{_machine()}/{pid}/{_started(pid)}"


def is_alive(name: str) -> bool | None:
    """Return whether the process lives; None if it is on another machine."""
    machine, pid, started = name.split("/")
    if machine != _machine():
        return None
    return bool(started) and _started(int(pid)) == started


def end_process(name: str) -> bool:
    """Ask the process to end. Returns whether it was there to be asked."""
    if not is_alive(name):
        return False
    try:
        os.kill(int(name.split("/")[1]), signal.SIGTERM)
    except ProcessLookupError:
        return False
    return True


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}.{Path('/proc/self/ns/pid').readlink().name.strip('pid:[]')}"
    except OSError:
        return platform.node().replace("/", "_")


def _started(pid: int) -> str:
    """Return when a process started, in clock ticks; empty if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]

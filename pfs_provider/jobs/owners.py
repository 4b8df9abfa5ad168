"""Who runs a job: a name that tells, on the same machine, whether its process still lives.

A scheduler that was killed cannot give its jobs back. On its own machine the next one sees that the
process is gone and need not wait for the lease to run out.
"""

import os
import platform
from pathlib import Path

from pfs_provider.clock import IdSource

__all__ = ["is_dead", "new_owner"]

_KIND = "process"


def new_owner(ids: IdSource) -> str:
    """Return an owner's name for this process."""
    return f"{_KIND}:{_machine()}:{os.getpid()}:{_started(os.getpid())}:{ids.new_id()[:8]}"


def is_dead(owner: str) -> bool:
    """Return whether the owner is a process of this machine that has ended."""
    match owner.split(":"):
        case [kind, machine, pid, started, *_] if kind == _KIND and pid.isdigit():
            return machine == _machine() and _started(int(pid)) != started
        case _:
            return False


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return platform.node()
    return f"{boot}.{namespace}"


def _started(pid: int) -> str:
    """Return when a process started, in clock ticks; empty if there is none. Pids are reused."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]

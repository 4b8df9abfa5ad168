"""What tells a process from every other: its machine, and when it started.

Invariant: a pid that is used again is another process. Must not know: what a process does, nor how
its name is written.
"""

import platform
from pathlib import Path

__all__ = ["name_machine", "start_of"]


def name_machine() -> str:
    """Return a name of this machine and its pids, until it is started anew; without ``/``."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return platform.node().replace("/", "_")
    return f"{boot}.{namespace}"


def start_of(pid: int) -> str:
    """Return when a process started, in clock ticks; empty if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]

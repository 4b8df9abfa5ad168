"""Who runs a job: a name that tells, on the same machine, whether its process still lives.

A scheduler that was killed cannot give its jobs back. On its own machine the next one sees that the
process is gone and need not wait for the lease to run out.
"""

import os

from pfs_provider.clock import IdSource
from pfs_provider.processes import name_machine, start_of

__all__ = ["is_dead", "new_owner"]

_KIND = "process"


def new_owner(ids: IdSource) -> str:
    """Return an owner's name for this process."""
    return f"{_KIND}:{name_machine()}:{os.getpid()}:{start_of(os.getpid())}:{ids.new_id()[:8]}"


def is_dead(owner: str) -> bool:
    """Return whether the owner is a process of this machine that has ended."""
    match owner.split(":"):
        case [kind, machine, pid, started, *_] if kind == _KIND and pid.isdigit():
            return machine == name_machine() and start_of(int(pid)) != started
        case _:
            return False

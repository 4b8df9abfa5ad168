"""What this machine lets a worker do, as a value with a sentence that a person can act on.

Invariants: the answer comes from trying, not from guessing by version or platform; the machine's
settings are read only to explain a refusal. Must not know: tasks.
"""

import errno
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pfs_provider.clock import Clock
from pfs_provider.worker.executors.client import Greeting, SpawnerClient

__all__ = ["Ability", "explain", "probe"]

_SETTINGS = (
    # file below /proc/sys, the value that forbids, the way out
    ("kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=15000"),
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile with userns",
    ),
)
_IN_CONTAINER = (
    "in a container, start it with user namespaces allowed (docker: --security-opt "
    "seccomp=unconfined --security-opt systempaths=unconfined, or --privileged), or run the "
    "pipeline on a cluster"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """Whether user code can get namespaces of its own, with whose power, and why not.

    ``kind`` is ``root`` (real root), ``user`` (a user namespace) or ``none``.
    """

    kind: str
    sentence: str

    @property
    def is_isolated(self) -> bool:
        """Whether user code gets a real ``/pfs`` and hidden folders are hidden."""
        return self.kind != "none"


def probe(*, clock: Clock, python: str = sys.executable, prefix: Sequence[str] = ()) -> Ability:
    """Return what this machine can do, by doing all of it once; takes some 50 ms."""
    client = SpawnerClient("isolated", clock=clock, python=python, prefix=prefix)
    try:
        return explain(client.greeting)
    finally:
        client.close()


def explain(greeting: Greeting) -> Ability:
    """Return the ability that a spawner reported."""
    match greeting.kind:
        case "root":
            sentence = (
                "User code runs in mount, process and IPC namespaces of its own, made by root."
            )
        case "user":
            sentence = "User code runs in user, mount, process and IPC namespaces of its own."
        case _:
            return Ability(kind="none", sentence=_refusal(greeting))
    return Ability(kind=greeting.kind, sentence=sentence)


def _refusal(greeting: Greeting) -> str:
    reason = os.strerror(greeting.errno) if greeting.errno else "it ended without a word"
    said = f"This machine gives user code no namespaces of its own: {greeting.step}: {reason}."
    return f"{said} Way out: {_way_out(greeting)}."


def _way_out(greeting: Greeting) -> str:
    if sys.platform != "linux":
        return "run it on Linux"
    if greeting.errno == errno.ENOSYS:
        return "run it on a machine with Linux 5.2 or newer on x86_64, aarch64 or riscv64"
    found = [fix for name, forbids, fix in _SETTINGS if _read(name) == forbids]
    return f"{'; '.join(found)} (as root)" if found and os.geteuid() != 0 else _IN_CONTAINER


def _read(name: str) -> str:
    try:
        return Path("/proc/sys", name).read_text(encoding="ascii").strip()
    except OSError:
        return ""

"""Chooses how user code runs here: in a container, the pod's or our own, in namespaces, or without.

Must not know: settings; who chooses and why.
"""

from collections.abc import Callable
from pathlib import Path

from pfs_provider.clock import Clock, SystemClock
from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.worker.executors.container import Box, ContainerExecutor
from pfs_provider.worker.executors.fallback import FallbackExecutor
from pfs_provider.worker.executors.port import Executor
from pfs_provider.worker.executors.process import ProcessExecutor
from pfs_provider.worker.executors.shim import ShimExecutor
from pfs_provider.worker.executors.tasks import warn

__all__ = ["open_executor"]


def open_executor(
    kind: str = "process",
    *,
    clock: Clock | None = None,
    say: Callable[[str], None] = warn,
    shim: Path | None = None,
    memory_limit: str = "",
    box: Box | None = None,
) -> Executor:
    """Return an executor, started; the caller closes it.

    Args:
        kind: ``process``: namespaces where this machine allows them, else ordinary processes.
            ``plain``: ordinary processes, for code that is trusted with the store. ``shim``: the
            user container of this pod. ``container``: one of docker or podman.
        clock: Tells the times of outcomes and measures timeouts; the machine's by default.
        say: Gets one notice, with the first task, of what cannot be done here.
        shim: The folder of the shim, for that kind.
        memory_limit: Of the user container, for what is said when it is killed.
        box: What kind of container, for that kind.

    Raises:
        RefusedError: ``settings-illegal``: no executor of that kind.
    """
    clock = clock or SystemClock()
    match kind:
        case "shim" if shim is not None:
            return ShimExecutor(shim, clock=clock, memory_limit=memory_limit)
        case "shim":
            raise RefusedError(
                ErrorCode.SETTINGS_ILLEGAL, "executor 'shim' needs --shim: its folder", kind=kind
            )
        case "container" if box is not None:
            return ContainerExecutor(box, clock=clock)
        case "container":
            raise RefusedError(
                ErrorCode.SETTINGS_ILLEGAL,
                "executor 'container' needs --container: which engine and image",
                kind=kind,
            )
        case "plain":
            return FallbackExecutor("", clock=clock, say=_ignore)
        case "process":
            return _open_process(clock, say)
        case _:
            raise RefusedError(
                ErrorCode.SETTINGS_ILLEGAL,
                f"there is no executor {kind!r}: use 'process', 'container', or 'shim' in a pod",
                kind=kind,
            )


def _ignore(_notice: str) -> None:
    """Who asks for ordinary processes need not be told of them."""


def _open_process(clock: Clock, say: Callable[[str], None]) -> Executor:
    executor = ProcessExecutor(clock=clock, say=say)
    ability = executor.find_ability()
    if ability.is_isolated:
        return executor
    executor.close()
    return FallbackExecutor(ability.sentence, clock=clock, say=say)

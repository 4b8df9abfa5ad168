"""Chooses how user code runs here: in namespaces where the machine allows it, else without.

Must not know: settings; who chooses and why.
"""

from collections.abc import Callable

from pfs_provider.clock import Clock, SystemClock
from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.worker.executors.fallback import FallbackExecutor
from pfs_provider.worker.executors.logs import MAX_LOG_BYTES
from pfs_provider.worker.executors.port import Executor
from pfs_provider.worker.executors.process import ProcessExecutor
from pfs_provider.worker.executors.tasks import warn

__all__ = ["open_executor"]


def open_executor(
    kind: str = "process",
    *,
    clock: Clock | None = None,
    say: Callable[[str], None] = warn,
    max_log_bytes: int = MAX_LOG_BYTES,
) -> Executor:
    """Return an executor, started; the caller closes it.

    Args:
        kind: ``process``: namespaces where this machine allows them, else ordinary processes.
        clock: Tells the times of outcomes and measures timeouts; the machine's by default.
        say: Gets one notice, with the first task, of what cannot be done here.
        max_log_bytes: How much of one command's output is kept.

    Raises:
        RefusedError: ``settings-illegal``: no executor of that kind.
    """
    if kind != "process":
        raise RefusedError(
            ErrorCode.SETTINGS_ILLEGAL, f"there is no executor {kind!r}: use 'process'", kind=kind
        )
    clock = clock or SystemClock()
    executor = ProcessExecutor(clock=clock, say=say, max_log_bytes=max_log_bytes)
    ability = executor.find_ability()
    if ability.is_isolated:
        return executor
    executor.close()
    return FallbackExecutor(ability.sentence, clock=clock, say=say, max_log_bytes=max_log_bytes)

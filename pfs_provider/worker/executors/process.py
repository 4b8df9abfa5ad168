"""User code as a process of this machine in mount, process and IPC namespaces of its own.

It sees the machine's files read-only, a private ``/tmp`` and home, only its own processes, and
the task's folder as ``/pfs``. Why so: docs/design/0005-process-executor.md; how:
docs/internals/sandbox.md. Invariant: one spawner per executor. Must not know: datums, stores,
settings.
"""

import sys
from collections.abc import Callable, Sequence

from pfs_provider.clock import Clock
from pfs_provider.closing import Closing
from pfs_provider.errors import ErrorCode, UnavailableError
from pfs_provider.worker.executors.port import Outcome, Task
from pfs_provider.worker.executors.probe import Ability, explain
from pfs_provider.worker.executors.spawner.base import HOME
from pfs_provider.worker.executors.spawners import Spawners
from pfs_provider.worker.executors.tasks import TaskRunner, warn

__all__ = ["HOME", "ProcessExecutor"]


class ProcessExecutor(Closing):
    """Runs tasks in namespaces of their own. A context manager.

    Args:
        clock: Tells the times of outcomes and measures timeouts.
        say: Gets one notice if tasks name a user that the worker cannot become.
        python: The interpreter for the spawner; a test as another user names one that it may run.
        prefix: A command put in front of the spawner, for instance ``("nice",)``.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        say: Callable[[str], None] = warn,
        python: str = sys.executable,
        prefix: Sequence[str] = (),
    ) -> None:
        self._runner = TaskRunner(clock=clock, say=say)
        self._spawners = Spawners("isolated", clock=clock, python=python, prefix=prefix)

    def find_ability(self) -> Ability:
        """Start the spawner if it does not run and return what it can do here."""
        return explain(self._spawners.get().greeting)

    def run(self, task: Task) -> Outcome:
        """Run one command to its end and return how it ended. Raises as the port says."""
        client = self._spawners.get()
        if not client.greeting.kind:
            sentence = explain(client.greeting).sentence
            raise UnavailableError(ErrorCode.SANDBOX_UNAVAILABLE, sentence)
        return self._runner.run(client, task, home=HOME)

    def close(self) -> None:
        """End every running task and the spawner. Idempotent."""
        self._spawners.close()

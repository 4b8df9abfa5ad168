"""User code as an ordinary process, for machines that allow no namespaces: honest, not isolated.

There is no ``/pfs``: what names it in the command, its input lines and its environment is
pointed at the task's real folder, and this is said once, with the reason. Leftover processes are
still ended. Invariant: nothing is pretended; hidden folders are not hidden here and the notice
says so. Must not know: datums, stores, settings.
"""

import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pfs_provider.clock import Clock
from pfs_provider.closing import Closing
from pfs_provider.errors import ErrorCode, FailedError
from pfs_provider.worker.executors.homes import Homes
from pfs_provider.worker.executors.port import Outcome, Task
from pfs_provider.worker.executors.spawner.base import HOME
from pfs_provider.worker.executors.spawners import Spawners
from pfs_provider.worker.executors.tasks import TaskRunner, warn

__all__ = ["FallbackExecutor", "point_at"]

_NAMES_PFS = re.compile(r"(?<![\w./-])/pfs(?=/|$|[^\w.-])")
_NEEDS_NO_QUOTES = re.compile(r"[\w./+:@%-]+")
_NOTICE = (
    "Instead, commands, their input lines and variables that name /pfs/ are pointed at a real "
    "folder (also in PFS_ROOT), and folders of the store are not hidden from user code."
)


class FallbackExecutor(Closing):
    """Runs tasks without namespaces. A context manager.

    Args:
        why: A sentence: why there are no namespaces and what could be done.
        clock: Tells the times of outcomes and measures timeouts.
        say: Gets the one notice, with the first task; by default it is logged as a warning.
        python: The interpreter for the spawner.
        prefix: A command put in front of the spawner.
    """

    def __init__(
        self,
        why: str,
        *,
        clock: Clock,
        say: Callable[[str], None] = warn,
        python: str = sys.executable,
        prefix: Sequence[str] = (),
    ) -> None:
        self._notice: str | None = f"{why} {_NOTICE}"
        self._say = say
        self._lock = threading.Lock()
        self._homes = Homes()
        self._runner = TaskRunner(clock=clock, say=say)
        self._spawners = Spawners("plain", clock=clock, python=python, prefix=prefix)

    def run(self, task: Task) -> Outcome:
        """Run one command to its end and return how it ended. Raises as the port says."""
        _refuse_folders(task)
        self._say_once()
        with _name_of(task.root) as root, self._homes.lend() as home:
            pointed = point_at(task, root, str(home))
            if task.leash is not None:
                task.leash.fit = lambda text: _point(text, root, str(home))
            return self._runner.run(self._spawners.get(), pointed, home=str(home))

    def _say_once(self) -> None:
        with self._lock:
            notice, self._notice = self._notice, None
        if notice is not None:
            self._say(notice)

    def close(self) -> None:
        """End every running task and the spawner. Idempotent."""
        self._spawners.close()
        self._homes.close()


def _refuse_folders(task: Task) -> None:
    """Without mounts a folder could only be made where the machine's own files are."""
    if task.folders:
        path = min(task.folders)
        raise FailedError(
            ErrorCode.FOLDER_NOT_MADE,
            f"transform.secrets: nothing can be mounted at {path!r}, because this command runs "
            "without namespaces: give the secret with env_var, or run the pipeline in containers",
            path=path,
        )


def point_at(task: Task, root: str, home: str) -> Task:
    """Return the task with every ``/pfs`` it names replaced by ``root``, and its home by ``home``.

    Replaced is the path itself and what is below it (``/pfs``, ``/pfs/out``, ``--in=/pfs/a``,
    ``PATH=/bin:/pfs/tools``), not other paths that hold the letters (``/data/pfs``, ``/pfs-old``).
    """

    def point(text: str) -> str:
        return _point(text, root, home)

    return replace(
        task,
        cmd=tuple(map(point, task.cmd)),
        stdin=tuple(map(point, task.stdin)),
        env={name: point(value) for name, value in task.env.items()},
        working_dir=None if task.working_dir is None else point(task.working_dir),
        tools=point(task.tools),
    )


def _point(text: str, root: str, home: str) -> str:
    return home if text == HOME else _NAMES_PFS.sub(lambda _match: root, text)


@contextmanager
def _name_of(root: Path) -> Iterator[str]:
    """Yield a name of the folder that needs no quotes in a shell."""
    name = str(root.resolve())
    if _NEEDS_NO_QUOTES.fullmatch(name):
        yield name
        return
    with tempfile.TemporaryDirectory(prefix="pfs-") as folder:
        link = Path(folder, "pfs")
        link.symlink_to(name)
        yield str(link)

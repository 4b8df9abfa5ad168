"""User code in the spec's own image, in a container of docker or podman on this machine.

One container for the executor's life, with the shim of the pods in it as process 1, so that a datum
costs no start of a container. Why so: docs/design/0016-containers.md. Invariants: one task at a
time, because the container has one ``/pfs``; the container has the task's root and the shim of this
machine's files, and nothing else; one that died is replaced by a fresh one before the next task.
Must not know: which engine, image or limits are wise (jobs/container_options.py).
"""

import os
import shutil
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pfs_provider.clock import Clock, IdSource, RandomIds
from pfs_provider.closing import Closing
from pfs_provider.errors import ErrorCode, FailedError, RefusedError, UnavailableError
from pfs_provider.worker.executors.keeper import Keeper
from pfs_provider.worker.executors.port import Outcome, Task
from pfs_provider.worker.executors.shim import ShimExecutor
from pfs_provider.worker.shim.install import install

__all__ = ["Box", "ContainerExecutor", "share_folder"]

COME_UP_S = 60.0
"""How long the shim may take to answer from a container that the engine calls started."""
SHARED_GROUP = 65532
"""Owns what both sides write where the worker is root, as in a pod."""
SHIM = "/pfs-shim"
_SHARED_FOLDER = 0o2775
MEMORY = Path("/dev/shm")  # noqa: S108 made for this; what is put there has a private folder
Folders = Mapping[str, Mapping[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """What kind of container.

    ``engine`` is the program, which gets ``environment``; ``options`` follow its ``run``. ``group``
    is the number that the shared group has in there, None where it is the same as outside.
    ``memory_limit`` is only for what is said when user code is killed.
    """

    engine: str
    image: str
    environment: Mapping[str, str]
    options: tuple[str, ...] = ()
    group: int | None = None
    memory_limit: str = ""


class ContainerExecutor(Closing):
    """Runs tasks in a container that it keeps up. A context manager.

    Args:
        box: What kind of container. Its image has to be there: nothing is pulled.
        clock: Tells the times of outcomes and measures timeouts.
        ids: Names containers and tasks.
    """

    def __init__(
        self,
        box: Box,
        *,
        clock: Clock,
        ids: IdSource | None = None,
    ) -> None:
        self._box = box
        self._clock = clock
        self._ids = ids or RandomIds()
        self._running = threading.Lock()
        """Held by the one who runs a task."""
        self._changing = threading.Lock()
        """Held for a moment by whoever changes what follows."""
        self._is_closed = False
        self._keeper: Keeper | None = None
        self._shim: ShimExecutor | None = None
        self._folder: Path | None = None
        self._place: tuple[Path, str | None, Folders] | None = None

    def run(self, task: Task) -> Outcome:
        """Run one command to its end and return how it ended. Raises as the port says.

        ``env`` comes on top of the image's; without a ``working_dir`` the command starts where the
        image says, and without a ``user`` as the image's.
        """
        with self._running:
            place = (task.root.resolve(), task.user, task.folders)
            if self._place not in (None, place):
                self._end_container()  # it has another /pfs or folder, or is another user
            self._place = place
            shim = self._shim or self._open_shim(place[0])
            try:
                return shim.run(task)
            except UnavailableError as error:
                raise self._explain(error) from error

    def close(self) -> None:
        """End the running task and the container. Idempotent."""
        with self._changing:
            self._is_closed = True
            shim, keeper, folder = self._shim, self._keeper, self._folder
        if shim is not None:
            shim.close()
        if keeper is not None:
            keeper.close()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _open_shim(self, root: Path) -> ShimExecutor:
        """Make the folder that the shim and this executor meet in, beside the task's."""
        folder = Path(tempfile.mkdtemp(prefix="shim-", dir=root.parent))
        share_folder(folder)
        try:
            install(folder)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise UnavailableError(
                ErrorCode.SANDBOX_UNAVAILABLE,
                "user code in containers is started by a static busybox of this machine: "
                f"{error}".replace("in this image", "here").replace(" in it", ""),
            ) from error
        shim = ShimExecutor(
            folder,
            clock=self._clock,
            ids=self._ids,
            memory_limit=self._box.memory_limit,
            come_back_s=COME_UP_S,
            revive=self._start_container,
        )
        with self._changing:
            self._folder, self._shim = folder, shim
            if not self._is_closed:
                return shim
        shim.close()
        shutil.rmtree(folder, ignore_errors=True)
        raise _closed()

    def _start_container(self) -> None:
        """Put a fresh container in the place of the one before."""
        self._end_container()
        assert self._place is not None  # noqa: S101 who asks has a task
        assert self._folder is not None  # noqa: S101
        root, user, folders = self._place
        share_folder(root)
        with self._changing:
            if self._is_closed:
                raise _closed()
            lent = _lend(folders) if folders else None
            shown = {} if lent is None else _places(lent, folders)
            self._keeper = keeper = Keeper(
                self._box.engine,
                f"pfs-{self._ids.new_id()}",
                self._arguments(root, self._folder, user, shown),
                environment=self._box.environment,
                said=self._folder / "said",
                user=user,
                lent=lent,
            )
        keeper.wait_until_up()

    def _end_container(self) -> None:
        with self._changing:
            keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.close()

    def _arguments(
        self, root: Path, shim: Path, user: str | None, shown: Mapping[str, Path]
    ) -> list[str]:
        group = self._box.group if self._box.group is not None else _group()
        mounts = [(str(root), "/pfs", ""), (str(shim), SHIM, ",readonly")]
        for source, _, _ in mounts:
            if "," in source:
                raise RefusedError(
                    ErrorCode.SETTINGS_ILLEGAL,
                    f"{source}: docker and podman mount no folder with a comma in its path: "
                    "set PFS_SCRATCH to another",
                    path=source,
                )
        mounts += [(str(source), target, ",readonly") for target, source in shown.items()]
        return [
            "--detach", "--pull", "never",
            *(f"--mount=type=bind,source={source},target={target}{more}"
              for source, target, more in mounts),
            "--group-add", str(group),
            *(() if user is None else ("--user", user)),
            *self._box.options,
            "--entrypoint", f"{SHIM}/busybox",
            self._box.image,
            "sh", f"{SHIM}/shim.sh",
        ]  # fmt: skip

    def _explain(self, error: UnavailableError) -> UnavailableError:
        keeper = self._keeper
        if keeper is None or keeper.is_refused:
            return error
        said = keeper.read_log() or "it said nothing"
        return UnavailableError(
            ErrorCode.SANDBOX_UNAVAILABLE,
            f"the container of the user code was started by {self._box.engine}, but its first "
            f"process did not answer within {COME_UP_S:.0f} s: {said}",
            engine=self._box.engine,
        )


def _lend(folders: Folders) -> Path:
    """Return a folder of this machine, in memory where there is such, with the files of others.

    Nobody but its owner gets into it; in a container every user reads what is mounted from it.
    """
    parent = MEMORY if os.access(MEMORY, os.W_OK) else None
    lent = Path(tempfile.mkdtemp(prefix="pfs-lent-", dir=parent))
    for target, source in _places(lent, folders).items():
        source.mkdir()
        for name, data in folders[target].items():
            (source / name).write_bytes(data)
            (source / name).chmod(0o444)
        source.chmod(0o755)
    return lent


def _places(lent: Path, folders: Folders) -> dict[str, Path]:
    return {target: lent / str(number) for number, target in enumerate(folders)}


def share_folder(folder: Path) -> None:
    """Let a container's users into a folder and all that will be made in it, by their group."""
    os.chown(folder, -1, _group())
    folder.chmod(_SHARED_FOLDER)


def _group() -> int:
    return SHARED_GROUP if os.geteuid() == 0 else os.getegid()


def _closed() -> FailedError:
    return FailedError(ErrorCode.WORKER_FAILED, "the executor is closed; make a new one")

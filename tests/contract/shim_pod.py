"""A pod without a cluster: the user container of shim_container, and a worker's executor."""

import signal
from dataclasses import dataclass, field
from pathlib import Path

from pfs_provider.clock import SystemClock
from pfs_provider.worker.executors.shim import ShimExecutor
from pfs_provider.worker.shim.install import install
from tests.contract.executors import PATH
from tests.contract.shim_container import ShimContainer, find_busybox
from tests.contract.staged import Staged
from tests.contract.test_executor import wait_for

IMAGE = {"PATH": PATH, "my.variable": "of the image", "KEPT": "yes", "HOME": "/image-home"}


@dataclass(slots=True)
class Pod(Staged):
    """A user container, and what its worker runs tasks with."""

    folder: Path
    settings: dict[str, object] = field(default_factory=dict)
    container: ShimContainer | None = None
    executor: ShimExecutor = field(init=False)

    def __post_init__(self) -> None:
        for path in (self.root / "out", self.root / "in", self.folder / "container"):
            path.mkdir(parents=True)
        install(self.shim, busybox=[find_busybox()])
        self.open()

    def open(self, **settings: object) -> None:
        """Have a new executor, as a new worker would."""
        options: dict[str, object] = {"come_back_s": 20} | settings
        self.executor = ShimExecutor(self.shim, clock=SystemClock(), **options)  # type: ignore[arg-type]

    def start(self, **settings: object) -> "Pod":
        """Start the user container."""
        options: dict[str, object] = {"env": IMAGE} | settings
        self.container = ShimContainer(
            self.folder / "container",
            root=self.root,
            shim=self.shim,
            **options,  # type: ignore[arg-type]
        )
        return self

    def kill_shim(self, number: int = signal.SIGKILL) -> int:
        assert self.container is not None
        wait_for(lambda: self.container is not None and self.container.find_shim() is not None)
        return self.container.kill_shim(number)

    @property
    def shim(self) -> Path:
        return self.folder / "shim"

    def stop(self) -> None:
        self.executor.close()
        if self.container is not None:
            self.container.stop()

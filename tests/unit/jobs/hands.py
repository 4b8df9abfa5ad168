"""Workers that do what a test says: what a supervisor does is seen from both of its sides."""

from dataclasses import dataclass, field

from pfs_provider.errors import PfsError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.launcher import WorkersState
from pfs_provider.spec.model import PipelineSpec


@dataclass(slots=True)
class HandWorkers:
    """One worker, alive until it is stopped or ``state`` says otherwise."""

    job: JobRef
    state: WorkersState = field(default_factory=lambda: WorkersState(alive=1))
    stopped: bool = False

    def poll(self) -> WorkersState:
        return self.state

    def stop(self) -> None:
        self.stopped = True

    def leave(self) -> None:
        self.stopped = True


@dataclass(slots=True)
class HandLauncher:
    """Remembers whom it started. ``error`` is raised instead, while there is one."""

    launched: list[HandWorkers] = field(default_factory=list)
    error: PfsError | None = None
    place: str = "workers by hand"

    def find_unsupported(self, spec: PipelineSpec) -> tuple[str, ...]:
        return ()

    def launch(self, job: JobRef, spec: PipelineSpec, n_workers: int) -> HandWorkers:
        if self.error is not None:
            raise self.error
        self.launched.append(HandWorkers(job))
        return self.launched[-1]

    @property
    def alive(self) -> list[JobRef]:
        """Whose commands could run now."""
        return [one.job for one in self.launched if not one.stopped]

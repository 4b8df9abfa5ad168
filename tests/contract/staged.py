"""A datum staged in a folder, and an executor to run commands on it."""

from pathlib import Path
from typing import Protocol

from pfs_provider.worker.executors.port import Outcome, Task

__all__ = ["Staged"]


class _Runs(Protocol):
    def run(self, task: Task) -> Outcome: ...


class Staged:
    """What is in the folder, and how a command is run there."""

    __slots__ = ()

    folder: Path
    executor: _Runs

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def variables(self) -> dict[str, str]:
        """What a command gets if the test does not say."""
        return {}

    def task(self, *cmd: str, **more: object) -> Task:
        settings: dict[str, object] = {"env": self.variables, "log": self.log} | more
        return Task(root=self.root, cmd=cmd, **settings)  # type: ignore[arg-type]  # as Task's own

    def run(self, *cmd: str, **more: object) -> Outcome:
        return self.executor.run(self.task(*cmd, **more))

    def sh(self, script: str, **more: object) -> str:
        """Run a script that has to succeed and return what it said."""
        self.log.unlink(missing_ok=True)
        outcome = self.run("sh", "-c", script, **more)
        said = self.log.read_text(errors="surrogateescape")
        assert outcome.exit_code == 0, (outcome, said)
        return said

"""Workers as processes on this machine, each ``python -m pfs_provider.worker``.

Invariants: a lost worker is replaced under the same name, so that it takes up its own set at once;
workers die with the process that launched them (they ask the kernel for that themselves); they get
the store's address and credentials, and nothing of the catalog. Secrets for user code reach them by
a file in memory, as their standard input.
"""

import logging
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Protocol

from pfs_provider.errors import ErrorCode, RefusedError, UnavailableError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.launcher import WorkersState, find_s3_fields
from pfs_provider.jobs.secrets import SecretFinder, find_given
from pfs_provider.spec.model import PipelineSpec

__all__ = ["LocalLauncher", "LocalWorkers", "WorkerSetup"]

logger = logging.getLogger(__name__)

MAX_LOSSES = 4
"""Times that one worker may be lost until the job is given up: a datum may kill its worker."""
STOP_GRACE_S = 10.0
ERROR_TAIL_BYTES = 2000


class WorkerSetup(Protocol):
    """What workers are given for one pipeline."""

    def find_unsupported(self, spec: PipelineSpec) -> tuple[str, ...]:
        """Return the fields of a spec that ask for what they cannot be given."""

    def arguments(self, spec: PipelineSpec) -> tuple[str, ...]:
        """Return their arguments. Raises PfsError where it cannot be done here."""


class LocalLauncher:
    """Starts workers here.

    Args:
        environment: The whole environment of a worker (settings.worker_environment).
        arguments: More arguments for each worker, such as the executor's name.
        stay: Let the workers outlive this process.
        setup: Gives more arguments for a pipeline's workers and refuses what they cannot be given;
            None where all pipelines' are alike.
        client: More of the environment for workers whose commands commit by themselves: where the
            catalog is.
        secrets: Where the secrets are that specs name; None for none.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        arguments: tuple[str, ...] = (),
        *,
        stay: bool = False,
        setup: "WorkerSetup | None" = None,
        client: Mapping[str, str] | None = None,
        secrets: SecretFinder | None = None,
    ) -> None:
        self._environment = dict(environment)
        self._client = dict(client or {})
        # A worker that starts after its launcher has died would never hear of that: it looks.
        parent = () if stay else ("--parent", str(os.getpid()))
        self._arguments = (*arguments, *parent)
        self._told: set[str] = set()
        self._setup = setup
        self._secrets = secrets

    @property
    def place(self) -> str:
        """Where its workers are."""
        return "workers on this machine"

    def find_unsupported(self, spec: PipelineSpec) -> tuple[str, ...]:
        """Return what needs a cluster, or does not exist yet. See Launcher.find_unsupported."""
        is_blind = self._secrets is None and bool(spec.transform.secrets)
        secrets = ("transform.secrets",) if is_blind else ()
        more = () if self._setup is None else self._setup.find_unsupported(spec)
        return (*find_s3_fields(spec), *secrets, *more)

    def launch(self, job: JobRef, spec: PipelineSpec, n_workers: int) -> "LocalWorkers":
        """Start ``n_workers`` processes for a job. See Launcher.launch."""
        # The plan in the store says all that a process needs, but what nobody may read.
        fed = self._find_secrets(spec)
        more = () if self._setup is None else self._setup.arguments(spec)
        more = (*more, *self._stand(spec))
        environment = self._environment
        if spec.spout is not None:
            environment = {**environment, **self._client}
        return LocalWorkers(
            [
                _Process([*self._command(job, number, n_workers), *more], environment, fed)
                for number in range(n_workers)
            ],
            self._told,
        )

    def _stand(self, spec: PipelineSpec) -> tuple[str, ...]:
        """Return the arguments by which a worker keeps a command up, none for a transform."""
        if spec.kind == "transform":
            return ()
        is_client = spec.spout is not None and not spec.spout.is_old
        if is_client and self._setup is not None:
            self._check_reachable()
        own_port = self._setup is None and spec.listens is not None
        return (
            "--stand",
            *(("--client",) if spec.spout is not None else ()),
            *(("--port", str(spec.listens.internal_port)) if own_port and spec.listens else ()),
            # Code that is trusted with the store has nothing to be kept from.
            *(("--executor", "plain") if is_client and self._setup is None else ()),
        )

    def _check_reachable(self) -> None:
        places = {
            "catalog": self._client.get("PFS_CATALOG", "").startswith("sqlite"),
            "store": not re.match(r"(?!file:)\w+://", self._environment.get("PFS_STORE", "")),
        }
        here = [name for name, is_here in places.items() if is_here]
        if here:
            raise RefusedError(
                ErrorCode.SPEC_ILLEGAL,
                f"spout: its command commits by itself, and a container does not reach the "
                f"{' and the '.join(here)} in folders of this machine: run it with --executor "
                "process, or keep them in PostgreSQL and an object store",
                field="spout",
            )

    def launch_one(
        self, job: JobRef, spec: PipelineSpec, number: int, n_workers: int
    ) -> "LocalWorkers":
        """Start one of ``n_workers`` processes; others start the rest elsewhere."""
        fed = self._find_secrets(spec)
        process = _Process(self._command(job, number, n_workers), self._environment, fed)
        return LocalWorkers([process], self._told)

    def _find_secrets(self, spec: PipelineSpec) -> bytes:
        if self._secrets is None or not spec.transform.secrets:
            return b""
        return find_given(spec, self._secrets).encode()

    def _command(self, job: JobRef, number: int, n_workers: int) -> list[str]:
        place = ["--number", str(number), "--of", str(n_workers)]
        return [
            sys.executable, "-m", "pfs_provider.worker", str(job), *place, *self._arguments
        ]  # fmt: skip


class LocalWorkers:
    """The worker processes of one job."""

    def __init__(self, processes: "list[_Process]", told: set[str]) -> None:
        self._processes = processes
        self._told = told
        try:
            for process in processes:
                process.start()
        except OSError as error:
            self.stop()
            raise UnavailableError(
                ErrorCode.WORKER_FAILED, f"cannot start a worker: {error}"
            ) from error

    def poll(self) -> WorkersState:
        """Return how they are and replace those that were lost."""
        alive = 0
        for process in self._processes:
            status = process.poll()
            if status is None:
                alive += 1
            elif status != 0:
                process.losses += 1
                if process.losses >= MAX_LOSSES:
                    return WorkersState(alive=alive, problem=process.describe(status))
                process.start()
                alive += 1
        return WorkersState(alive=alive)

    def stop(self) -> None:
        """End all workers: first asked, then killed."""
        for process in self._processes:
            process.ask_to_end()
        for process in self._processes:
            for line in process.end(STOP_GRACE_S).splitlines():
                if line not in self._told:
                    self._told.add(line)
                    logger.warning("%s", line)

    def leave(self) -> None:
        """End all workers: another scheduler starts its own."""
        self.stop()


class _Process:
    """One worker and its successors."""

    def __init__(self, command: list[str], environment: Mapping[str, str], fed: bytes) -> None:
        self.losses = 0
        self._fed = fed
        self._command = [*command, "--secrets"] if fed else command
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None

    def start(self) -> None:
        if self._errors is not None:
            self._errors.close()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 # closed by end(), or the next start()
        with _open_fed(self._fed) as fed:
            self._process = subprocess.Popen(
                self._command,
                env=dict(self._environment),
                stdin=fed,
                stdout=self._errors,
                stderr=self._errors,
                start_new_session=True,
            )

    def poll(self) -> int | None:
        return 0 if self._process is None else self._process.poll()

    def ask_to_end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def end(self, grace_s: float) -> str:
        """Wait for the worker's end and return the last that it said."""
        said = ""
        if self._process is not None:
            try:
                self._process.wait(grace_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._errors is not None:
            said = self._error_tail()
            self._errors.close()
            self._errors = None
        return said

    def describe(self, status: int) -> str:
        how = f"was killed by signal {-status}" if status < 0 else f"exited with code {status}"
        return f"a worker {how} {self.losses} times: {self._error_tail()}"

    def _error_tail(self) -> str:
        if self._errors is None:
            return ""
        self._errors.seek(0, 2)
        self._errors.seek(max(0, self._errors.tell() - ERROR_TAIL_BYTES))
        return self._errors.read().decode(errors="replace").strip()


def _open_fed(data: bytes) -> IO[bytes]:
    """Return an open file with this content, at its start, that is in memory alone."""
    if not data:
        return Path(os.devnull).open("rb")
    file = os.fdopen(os.memfd_create("pfs-fed", os.MFD_CLOEXEC), "w+b")
    file.write(data)
    file.seek(0)
    return file

"""One standing command: its files are staged, then it is kept up until the worker is to stop.

Invariants: it starts when the one before it has ended (the object ``go``) and never twice at a
time; one that ends is started again, after a pause that doubles up to a limit while it keeps
ending at once; each start finds its files as they are in the store. Nothing that it writes to
``/pfs/out`` is kept, but the tar archives of a spout. Must not know: catalogs, whether its port
answers.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pfs_provider.clock import Clock
from pfs_provider.errors import ErrorCode, FailedError, PfsError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.objects import JobObjects
from pfs_provider.jobs.records import DatumRecord, PlanRecord, SetRecord, decode
from pfs_provider.jobs.secrets import NO_SECRETS, GivenSecrets
from pfs_provider.jobs.standing_notes import StandingNote, put_note
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.values import TreeRef
from pfs_provider.worker.environment import build_environment
from pfs_provider.worker.executors.logs import open_log
from pfs_provider.worker.executors.port import Executor, Outcome, Task
from pfs_provider.worker.facts import find_facts
from pfs_provider.worker.log_mirror import LogMirror
from pfs_provider.worker.out_pipe import OutPipe
from pfs_provider.worker.ports import is_port_free
from pfs_provider.worker.staging import clear_root, stage_datum
from pfs_provider.worker.stopping import StopFlag

__all__ = ["Stand"]

FIRST_PAUSE_S = 0.5
MAX_PAUSE_S = 30.0
STEADY_S = 30.0
"""A command that was up for so long has not ended at once: the pause begins anew."""
TICK_S = 0.1
TICKS_PER_LOOK = 20
"""Between looks at what the command printed."""


@dataclass(slots=True, kw_only=True)
class Stand:
    """Keeps one command up.

    Args:
        storage: Where its files are.
        job: Whose plan it is of.
        plan: Has one set with one datum.
        trees: The pinned tree of each input branch.
        executor: Runs user code.
        root: An existing, empty folder: the command's ``/pfs``.
        log: Where its output goes.
        hidden: Folders that it must not see.
        path: PATH of user code; None where its image brings the basic variables.
        client: Variables of a client of catalog and store, for what commits.
        is_client: Whether the command is one itself.
        port: What it listens on, on this machine; None where nobody else could have that port.
        clock: The time.
        stop: Set it from anywhere to end the command soon.
        secrets: What its log must not show, besides values of variables that the plan names.
        given: The secrets that the command gets.
    """

    storage: Storage
    job: JobRef
    plan: PlanRecord
    trees: Mapping[str, TreeRef]
    executor: Executor
    root: Path
    log: Path
    hidden: tuple[Path, ...]
    path: str | None
    client: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_client: bool = False
    port: int | None
    clock: Clock
    stop: StopFlag
    secrets: tuple[str, ...] = field(default=(), repr=False)
    given: GivenSecrets = field(default=NO_SECRETS, repr=False)
    _n_starts: int = 0

    def run(self) -> None:
        """Keep the command up until ``stop`` is set.

        Raises:
            PfsError: The store or the executor fails; the command is not up then.
        """
        datum = self._datum()
        with self._beating(datum):
            self._stage(datum)
            self._say("staged")
            while not self.stop.is_set() and self._objects.find(self.job.go) is None:
                self.clock.sleep(TICK_S)
            self._keep_up(datum)

    def _keep_up(self, datum: DatumRecord) -> None:
        pause_s = FIRST_PAUSE_S
        while not self.stop.is_set():
            began = self.clock.monotonic()
            reason = self._run_once(datum)
            if self.stop.is_set():
                return
            if self.clock.monotonic() - began > STEADY_S:
                pause_s = FIRST_PAUSE_S
            self._tell_end(datum, reason, pause_s)
            self._pause(pause_s)
            pause_s = min(2 * pause_s, MAX_PAUSE_S)
            self._stage(datum)

    def _run_once(self, datum: DatumRecord) -> str:
        """Return why the command ended."""
        if self.port is not None and not is_port_free(self.port):
            return f"port {self.port} of this machine is taken by another program"
        self._n_starts += 1
        self._say("up")
        try:
            with self._out(datum):
                return _describe(self.executor.run(self._task(datum)))
        except FailedError as error:
            if error.code == ErrorCode.WORKER_FAILED and not self.stop.is_set():
                raise
            return str(error)

    def _stage(self, datum: DatumRecord) -> None:
        clear_root(self.root)
        stage_datum(self.storage, self.trees, datum.pieces, self.root)

    @contextmanager
    def _out(self, datum: DatumRecord) -> Iterator[None]:
        """Have what a spout writes into ``/pfs/out`` committed, until its command has ended."""
        if self.plan.tars is None:
            yield
            return
        pipe = OutPipe(
            root=self.root,
            folder=self.log.parent,
            spout=self.plan.tars,
            client=self.client,
            clock=self.clock,
            tell=lambda sentence: self._log(datum, sentence),
        )
        with pipe:
            pipe.open()
            yield

    def _log(self, datum: DatumRecord, sentence: str) -> None:
        with open_log(self._task(datum)) as log:
            log.write(f"[{sentence}]\n".encode())

    def _pause(self, seconds: float) -> None:
        until = self.clock.monotonic() + seconds
        while not self.stop.is_set() and self.clock.monotonic() < until:
            self.clock.sleep(TICK_S)

    def _tell_end(self, datum: DatumRecord, reason: str, pause_s: float) -> None:
        self._log(datum, f"{reason}; it is started again in {pause_s:g} s")
        self._say("down", reason)

    def _say(self, state: str, reason: str = "") -> None:
        note = StandingNote(state=state, reason=reason, n_starts=self._n_starts)  # type: ignore[arg-type] # its words
        put_note(self._objects, self.job, note)

    @property
    def _objects(self) -> JobObjects:
        return JobObjects(self.storage.store, self.storage.clock)

    def _datum(self) -> DatumRecord:
        key = self.job.set(self.plan.draft, 0)
        return decode(self._objects.read(key), SetRecord, name=key).datums[0]

    @contextmanager
    def _beating(self, datum: DatumRecord) -> Iterator[None]:
        """Store the growing log, and end the command when the worker is to stop, meanwhile."""
        mirror = LogMirror(self._objects, self.job, datum.id, self.log)
        ended = threading.Event()
        thread = threading.Thread(target=self._beat, args=(ended, mirror), name="beat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            with suppress(PfsError):
                mirror.store()

    def _beat(self, ended: threading.Event, mirror: LogMirror) -> None:
        ticks = 0
        while not ended.wait(TICK_S):
            ticks += 1
            if self.stop.is_set():
                self.executor.close()
            if ticks % TICKS_PER_LOOK == 0:
                with suppress(PfsError, OSError):
                    mirror.store()

    def _task(self, datum: DatumRecord) -> Task:
        command = self.plan.command
        facts = find_facts(self.plan, datum)
        env = build_environment(facts, command.env, path=self.path, secrets=self.given.env)
        return Task(
            root=self.root,
            cmd=tuple(command.cmd),
            stdin=tuple(command.stdin),
            env={**self.client, **env} if self.is_client else env,
            working_dir=command.working_dir,
            user=command.user,
            log=self.log,
            hidden=self.hidden,
            masked=(*self.plan.masked, *self._credentials()),
            secrets=self.secrets,
            folders=self.given.folders,
            max_log_bytes=self.plan.max_log_bytes,
        )

    def _credentials(self) -> list[str]:
        """Return the client's variables that open the store: no list of processes shows them."""
        return [name for name, value in self.client.items() if value in self.secrets]


def _describe(outcome: Outcome) -> str:
    if outcome.note:
        return outcome.note
    if outcome.signal is not None:
        return f"it was killed by signal {outcome.signal}"
    return f"it exited with code {outcome.exit_code}"

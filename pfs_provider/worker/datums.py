"""Works one datum: stage, run with its tries, collect; gives a result whatever user code does.

Invariants: what user code sees is one datum's, from an empty root on. Beside the root lie at most
the files of the datum after it and the output of the one before it, on the same volume, so that
they get in and out by renames.
"""

import os
import stat
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from pfs_provider.clock import Clock
from pfs_provider.errors import ErrorCode, FailedError, RefusedError, UnavailableError
from pfs_provider.jobs.records import DatumRecord, DatumResult, PlanRecord
from pfs_provider.jobs.secrets import NO_SECRETS, GivenSecrets
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.values import TreeRef
from pfs_provider.worker.ahead import Ahead, make_sibling
from pfs_provider.worker.collecting import Output, find_output
from pfs_provider.worker.environment import (
    build_environment,
    find_own_variables,
)
from pfs_provider.worker.events import EventLog
from pfs_provider.worker.executors.interrupt import Interrupt
from pfs_provider.worker.executors.port import Executor, Outcome, Task
from pfs_provider.worker.facts import find_facts
from pfs_provider.worker.given import GivenFiles
from pfs_provider.worker.staging import OUT, Check, clear_root, stage_datum

__all__ = ["DatumWorker", "Worked"]

COMMAND_NOT_FOUND_CODE = 127
"""What a shell answers for a command that does not exist."""


@dataclass(frozen=True, slots=True)
class Worked:
    """What became of a datum, and the files that it leaves."""

    result: DatumResult
    output: Output | None


@dataclass(frozen=True, slots=True)
class _Try:
    outcome: Outcome | None
    problem: str | None
    """Why the try did not succeed; None if it did."""
    output: Output | None = None
    is_final: bool = False
    """Whether another try cannot help."""

    @property
    def exit_code(self) -> int | None:
        if self.outcome is None:
            return COMMAND_NOT_FOUND_CODE if self.is_final else None
        if self.outcome.exit_code is not None:
            return self.outcome.exit_code
        return None if self.outcome.signal is None else 128 + self.outcome.signal


@dataclass(slots=True, kw_only=True)
class DatumWorker:
    """Works datums of one plan, one at a time: ``work``, ``set_aside``, ``keep`` for each.

    ``keep`` may go on beside the ``work`` of the next datum, not beside its ``set_aside``.

    Args:
        storage: Where inputs are read and outputs are stored.
        plan: The job's plan.
        trees: The pinned tree of each input branch.
        executor: Runs user code.
        root: An existing, empty folder: the datum's ``/pfs``. Two more are made beside it.
        log: Where user code's output goes.
        hidden: Folders that user code must not see.
        path: PATH of user code; None where its image brings the basic variables.
        clock: The time.
        stopping: Asked between tries; True gives up with ``InterruptedError``.
        events: Is told of every datum.
        secrets: What its logs must not show, besides values of variables that the plan names.
        given: The secrets that user code gets.
        settle: Returns when no output lies aside any more; raises as storing it does.
        kept: A name in the root that stays from datum to datum, because the program of all of them
            has it open; empty for a fresh start of user code for each datum.
    """

    storage: Storage
    plan: PlanRecord
    trees: Mapping[str, TreeRef]
    executor: Executor
    root: Path
    log: Path
    hidden: tuple[Path, ...]
    path: str | None
    clock: Clock
    stopping: Callable[[], bool]
    events: EventLog = field(default_factory=EventLog)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    given: GivenSecrets = field(default=NO_SECRETS, repr=False)
    settle: Callable[[], None] = lambda: None
    kept: str = ""
    _ahead: Ahead = field(init=False)
    _aside: Path = field(init=False)
    _interrupt: Interrupt = field(default_factory=Interrupt, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    """Held for a moment by whoever changes what follows."""
    _running: bytes | None = field(default=None, init=False)
    _is_restarted: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._ahead = Ahead(make_sibling(self.root, "-ahead"), self._stage, self.stopping)
        self._aside = make_sibling(self.root, "-aside")

    def work(self, datum: DatumRecord, following: DatumRecord | None = None) -> Worked:
        """Return what became of one datum; its output is still in the root.

        Args:
            datum: Which.
            following: The one to be worked next, staged while this one runs.

        Raises:
            InterruptedError: The worker is to stop; nothing counts.
            PfsError: The store or the executor fails; nothing counts.
        """
        started = self.clock.now()
        self.events.tell("datum-started", datum=datum.id.hex())
        self.log.unlink(missing_ok=True)
        tries = 0
        state, last = "failed", _Try(None, "never tried")
        while tries < max(1, self.plan.tries) and state == "failed" and not last.is_final:
            tries += 1
            state, last = self._try_or_recover(datum, following)
            if self.stopping():
                raise InterruptedError
            if self._take_restart():
                tries -= 1
                state, last = "failed", _Try(None, "never tried")
                self.events.tell("datum-restarted", datum=datum.id.hex())
        n_bytes = _size(self.root / OUT) if self.events.is_on and state == "success" else 0
        n_input = _size(self.root) - _size(self.root / OUT) if self.events.is_on else 0
        result = DatumResult(
            id=datum.id,
            key=datum.key,
            pieces=datum.pieces,
            state=state,
            tries=tries,
            exit_code=last.exit_code,
            reason=last.problem or "",
            started=started,
            finished=self.clock.now(),
            rows=b"",
        )
        output = last.output if state == "success" else None
        if output is not None:
            n_bytes += output.n_reference_bytes
        self._tell_end(result, n_input, n_bytes)
        return Worked(result, output)

    def set_aside(self, worked: Worked) -> Worked:
        """Empty the root; a datum's output gets a place where the next one does not meet it."""
        clear_root(self._aside)
        output = worked.output
        if output is not None and self.kept:
            worked = replace(worked, output=output.taken(self._aside / OUT))
        elif output is not None:
            _move(self.root / OUT, self._aside / OUT)
            worked = replace(worked, output=output.moved(self._aside / OUT))
        clear_root(self.root, but=self.kept)
        return worked

    def keep(self, worked: Worked, writer: ContentWriter) -> None:
        """Store a datum's output, which was set aside, as a new batch of the writer."""
        writer.begin_batch(worked.result.id)
        if worked.output is not None:
            worked.output.put(writer)
        clear_root(self._aside)

    def drop_ahead(self) -> None:
        """Forget the datum that was staged ahead: it will not be worked."""
        self._ahead.drop()

    @property
    def running(self) -> bytes | None:
        """The id of the datum whose user code runs. Any thread may ask."""
        return self._running

    def restart(self, datum: bytes) -> bool:
        """End a datum's user code, which begins again; False if it does not run now. Any thread."""
        with self._lock:
            if self._running != datum:
                return False
            self._is_restarted = True
            self._interrupt.set()
            return True

    def _take_restart(self) -> bool:
        """Return whether user code was ended to begin again, once."""
        is_restarted, self._is_restarted = self._is_restarted, False
        return is_restarted

    def _tell_end(self, result: DatumResult, n_input: int, n_bytes: int) -> None:
        self.events.tell(
            "datum-ended",
            level="error" if result.state == "failed" else "info",
            datum=result.id.hex(),
            state=result.state,
            exit_code=result.exit_code,
            tries=result.tries,
            reason=result.reason,
            seconds=round((result.finished - result.started).total_seconds(), 3),
            input_bytes=n_input,
            output_bytes=n_bytes,
        )

    def _stage(self, datum: DatumRecord, folder: Path, check: Check) -> None:
        stage_datum(self.storage, self.trees, datum.pieces, folder, check=check)

    def _check_stop(self, _n_bytes: int = 0) -> None:
        if self.stopping():
            raise InterruptedError

    def _put_in_place(self, datum: DatumRecord) -> None:
        """Have a datum's files in the root, which is empty."""
        if self._ahead.take(datum, self.root):
            return
        try:
            self._stage_now(datum)
        except UnavailableError as error:
            if error.code != ErrorCode.STORE_FULL:
                raise
            # What is stored beside takes room, too: only without it a datum is known not to fit.
            self.settle()
            clear_root(self.root, but=self.kept)
            self._stage_now(datum)

    def _stage_now(self, datum: DatumRecord) -> None:
        if self.kept:
            self._ahead.stage_now(datum, self.root, self._check_stop)
        else:
            self._stage(datum, self.root, self._check_stop)

    def _try_or_recover(
        self, datum: DatumRecord, following: DatumRecord | None
    ) -> tuple[str, _Try]:
        last = self._try(datum, following)
        if last.problem is None:
            return "success", last
        is_over = self.stopping() or self._is_restarted
        if self.plan.command.err_cmd and not is_over and self._recover(datum):
            return "recovered", last
        return "failed", last

    def _try(self, datum: DatumRecord, following: DatumRecord | None) -> _Try:
        clear_root(self.root, but=self.kept)
        try:
            self._put_in_place(datum)
        except UnavailableError as error:
            if error.code != ErrorCode.STORE_FULL:
                raise
            # Its own trouble: a worker that gave up here would hold up the datums behind it.
            return _Try(None, f"its files do not fit where the worker stages them: {error}")
        self._ahead.begin(following)
        command = self.plan.command
        given = GivenFiles(self.storage, self.trees, datum.pieces, self.root)
        try:
            outcome = self._run(datum, command.cmd, command.stdin)
        except FailedError as error:
            self._check_ours(error)
            return _Try(None, str(error), is_final=True)
        problem = "it was restarted" if self._is_restarted else self._problem(outcome)
        if problem is not None:
            return _Try(outcome, problem)
        try:
            return _Try(outcome, None, find_output(self.root, given))
        except RefusedError as error:
            return _Try(outcome, str(error))

    def _recover(self, datum: DatumRecord) -> bool:
        """Run ``err_cmd`` on the same files; its success means no output, but no failure."""
        command = self.plan.command
        try:
            outcome = self._run(datum, command.err_cmd, command.err_stdin)
        except FailedError as error:
            self._check_ours(error)
            return False
        return self._problem(outcome) is None

    def _run(self, datum: DatumRecord, cmd: list[str], stdin: list[str]) -> Outcome:
        with self._lock:
            self._interrupt.clear()
            self._running = datum.id
        try:
            return self.executor.run(self._task(datum, cmd, stdin))
        finally:
            with self._lock:
                self._running = None

    def _check_ours(self, error: FailedError) -> None:
        """Raise where the executor failed and not the datum: that is no result, it is run again."""
        if error.code == ErrorCode.WORKER_FAILED:
            if self.stopping():
                raise InterruptedError from error
            raise error

    def _problem(self, outcome: Outcome) -> str | None:
        """Return why a try did not succeed; None if it did."""
        ending = self._describe(outcome)
        if ending is None or not outcome.log_error:
            return ending
        return f"{ending}; its log ends early: {outcome.log_error}"

    def _describe(self, outcome: Outcome) -> str | None:
        if outcome.error:
            return outcome.error
        if outcome.timed_out:
            return f"it ran longer than datum_timeout ({self.plan.datum_timeout_s} s)"
        if outcome.exit_code == 0 or outcome.exit_code in self.plan.command.accept_codes:
            return None
        if outcome.note:
            return outcome.note
        if outcome.signal is not None:
            return f"it was killed by signal {outcome.signal}"
        return f"it exited with code {outcome.exit_code}"

    def _task(self, datum: DatumRecord, cmd: list[str], stdin: list[str]) -> Task:
        facts = find_facts(self.plan, datum)
        return Task(
            root=self.root,
            cmd=tuple(cmd),
            stdin=tuple(stdin),
            env=build_environment(
                facts, self.plan.command.env, path=self.path, secrets=self.given.env
            ),
            timeout_s=self.plan.datum_timeout_s,
            working_dir=self.plan.command.working_dir,
            user=self.plan.command.user,
            log=self.log,
            hidden=self.hidden,
            masked=tuple(self.plan.masked),
            secrets=self.secrets,
            folders=self.given.folders,
            max_log_bytes=self.plan.max_log_bytes,
            interrupt=self._interrupt,
            own=find_own_variables(facts),
        )


def _move(source: Path, target: Path) -> None:
    """Rename a folder out of the root, of which user code may have taken the rights away.

    Raises:
        FailedError: ``worker-failed``: both belong to another user by now.
    """
    try:
        for folder in (source.parent, source):
            mode = folder.lstat().st_mode
            if mode & stat.S_IRWXU != stat.S_IRWXU:
                folder.chmod(stat.S_IMODE(mode) | stat.S_IRWXU)
        source.rename(target)
    except PermissionError as error:
        raise FailedError(
            ErrorCode.WORKER_FAILED,
            f"{source}: what user code left cannot be taken away: {error.strerror}",
            path=str(source),
        ) from error


def _size(folder: Path) -> int:
    """Return how many bytes the files of a folder have, as far as they can be looked at."""
    n_bytes = 0
    for here, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # user code may have taken the folder's rights away
                n_bytes += Path(here, name).lstat().st_size
    return n_bytes

"""The worker's end of the spawner: starts it, hands it tasks, follows each to its end.

Invariants: the spawner is started by a thread that lives as long as it, because the kernel ties
it to that thread; a task has ended when it reports or its socket closes, not before. Must not
know: what isolation is.
"""

import base64
import contextlib
import io
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pfs_provider
from pfs_provider.clock import Clock
from pfs_provider.worker.executors.interrupt import Interrupt
from pfs_provider.worker.executors.leash import Leash
from pfs_provider.worker.executors.logs import LogWriter
from pfs_provider.worker.executors.output import KILL_S, OutputTaker, lost
from pfs_provider.worker.executors.spawner.wire import GO, KILL, STOP, STOPPED, Parcel, send

__all__ = ["Greeting", "Order", "Report", "SpawnerClient"]

_PROGRAM = (
    "import sys; sys.path.append(sys.argv.pop()); "
    "from pfs_provider.worker.executors.spawner.main import main; main()"
)
_MAX_MESSAGE_BYTES = 65536
_GREETING_S = 30.0
"""How long the spawner may take to start; it takes some 50 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """What the spawner said first: the ``kind`` of power used, or the ``step`` that failed."""

    kind: str = ""
    step: str = ""
    errno: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be run: a task in the words of the spawner.

    ``root`` and ``hidden`` are real paths; ``user`` is a user, a group and further groups, None for
    the worker's own. ``folders`` are the task's own, by path, with their files.
    """

    root: str
    cmd: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    hidden: tuple[str, ...]
    user: tuple[int, int, list[int]] | None
    folders: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict, repr=False)

    def encode(self) -> bytes:
        """Return it as the spawner reads it."""
        words = {
            "cmd": self.cmd,
            "env": dict(self.env),
            "cwd": self.cwd,
            "hidden": self.hidden,
            "user": self.user,
            "folders": {path: _as_text(files) for path, files in self.folders.items()},
        }
        return json.dumps(words).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a task ended: its wait ``status``, or the ``step`` that failed and at which ``path``."""

    status: int | None = None
    step: str = ""
    errno: int = 0
    path: str = ""
    timed_out: bool = False


class SpawnerClient:
    """One spawner and the tasks given to it. Any thread may call.

    Args:
        mode: ``isolated`` or ``plain``.
        clock: Measures timeouts.
        python: The interpreter that runs the spawner.
        prefix: A command put in front of it, for instance ``("nice",)``.
    """

    def __init__(
        self, mode: str, *, clock: Clock, python: str = sys.executable, prefix: Sequence[str] = ()
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._pid = os.getpid()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        package = str(Path(pfs_provider.__file__).parent.parent)
        arguments = [str(theirs.fileno()), mode, str(os.getpid()), package]
        self._argv = [*prefix, python, "-I", "-S", "-c", _PROGRAM, *arguments]
        self._failure: OSError | None = None
        self._keeper = threading.Thread(
            target=self._keep, args=(theirs,), name="pfs-spawner", daemon=True
        )
        self._keeper.start()
        self._ready.wait()
        self.greeting = self._greet()

    def _keep(self, theirs: socket.socket) -> None:
        """Start the spawner and stay until it has ended."""
        try:
            process = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                cwd="/",
                env={},
            )
        except OSError as error:
            self._failure = error
            return
        finally:
            theirs.close()
            self._ready.set()
        process.wait()

    def _greet(self) -> Greeting:
        if self._failure is not None:
            return Greeting(step="start the spawner", errno=self._failure.errno or 0)
        self._control.settimeout(_GREETING_S)
        try:
            data = self._control.recv(_MAX_MESSAGE_BYTES)
        except OSError:
            data = b""
        self._control.settimeout(None)
        return Greeting(**json.loads(data)) if data else Greeting(step="start the spawner")

    @property
    def is_alive(self) -> bool:
        """Whether the spawner runs and belongs to this process (a fork of it has no use of it)."""
        return self._keeper.is_alive() and self._pid == os.getpid()

    def run(
        self,
        order: Order,
        *,
        stdin: Sequence[str],
        log: LogWriter,
        timeout_s: float | None,
        interrupt: Interrupt | None = None,
        leash: Leash | None = None,
    ) -> Report:
        """Run one task to its end, or until ``interrupt`` is set: then it died of signal 9.

        Raises:
            FailedError: ``worker-failed``: the spawner ended or was closed; so did the task.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        read_end, write_end = os.pipe2(os.O_CLOEXEC)
        with ours, _closing(read_end):
            os.set_blocking(read_end, False)
            try:
                self._send(order, stdin, report=theirs.fileno(), log=write_end)
            finally:
                theirs.close()
                os.close(write_end)
            follower = _Follower(ours, read_end, log, self._clock, interrupt=interrupt, leash=leash)
            return follower.follow(timeout_s)

    def _send(self, order: Order, stdin: Sequence[str], *, report: int, log: int) -> None:
        lines = "".join(f"{line}\n" for line in stdin).encode(errors="surrogateescape")
        root = os.fsencode(order.root)
        with _file_of(order.encode()) as text, _file_of(lines) as fed:
            parcel = Parcel(root, text.fileno(), report, fed.fileno(), log)
            try:
                with self._lock:
                    send(self._control, parcel)
            except OSError as error:
                raise lost("the spawner is gone") from error

    def close(self) -> None:
        """Hang up: the spawner kills all tasks and ends. Idempotent; waits for it."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        if self._pid == os.getpid():
            self._keeper.join(KILL_S)
        self._control.close()


class _Follower:
    """Takes a task's output until its report arrives, or its socket closes without one.

    Either comes only when no process of the task is left.
    """

    def __init__(
        self,
        report: socket.socket,
        output: int,
        log: LogWriter,
        clock: Clock,
        *,
        interrupt: Interrupt | None,
        leash: Leash | None,
    ) -> None:
        self._report = report
        self._leash = leash
        self._rested: Callable[[], None] | None = None
        self._clock = clock
        self._poll = select.poll()
        self._poll.register(report, select.POLLIN)
        self._interrupt = -1 if interrupt is None else interrupt.fileno()
        if interrupt is not None:
            self._poll.register(interrupt, select.POLLIN)
        self._output = OutputTaker(output, log, self._poll)
        self._answer: dict[str, object] = {}
        self._is_interrupted = False
        if leash is not None:
            self._poll.register(leash, select.POLLIN)

    def drain(self) -> None:
        self._output.drain()

    def rest(self, rested: Callable[[], None]) -> None:
        self._rested = rested
        self._tell(STOP)

    def wake(self) -> None:
        self._tell(GO)

    def _tell(self, word: bytes) -> None:
        with contextlib.suppress(OSError):  # it has just ended by itself
            self._report.send(word)

    def follow(self, timeout_s: float | None) -> Report:
        deadline = None if timeout_s is None else self._clock.monotonic() + timeout_s
        is_killed = timed_out = False
        while self._turn(deadline):
            if is_killed:
                raise lost(f"its processes did not die within {KILL_S:.0f} s of being killed")
            is_killed, timed_out = True, not self._is_interrupted
            self._tell(KILL)
            deadline = self._clock.monotonic() + KILL_S
        self._output.drain()
        if is_killed:
            return Report(timed_out=timed_out)
        if not self._answer:
            raise lost("the spawner was killed or closed while the command ran")
        return Report(**self._answer)  # type: ignore[arg-type]  # our own program's words

    def _turn(self, deadline: float | None) -> bool:
        """Follow until the end of the task (False), or what is to end it (True)."""
        while True:
            wait_ms = None
            if deadline is not None:
                wait_ms = max(0.0, deadline - self._clock.monotonic()) * 1000
            ready = self._poll.poll(wait_ms)
            if not ready:
                return True
            for descriptor, _event in ready:
                if descriptor == self._output.source:
                    self._output.take()
                elif descriptor == self._interrupt:
                    self._poll.unregister(descriptor)
                    self._is_interrupted = True
                    return True
                elif descriptor == self._report.fileno():
                    if self._take_report():
                        return False
                elif self._leash is not None:
                    self._leash.obey(self)

    def _take_report(self) -> bool:
        """Take what was said; return whether that is the end."""
        try:
            data = self._report.recv(_MAX_MESSAGE_BYTES)
        except ConnectionResetError:
            return True
        if data == STOPPED:
            rested, self._rested = self._rested, None
            if rested is not None:  # else user code has said so, to itself alone
                rested()
            return False
        if data:
            self._answer = json.loads(data)
        return True


def _as_text(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(data).decode() for name, data in files.items()}


def _file_of(data: bytes) -> io.FileIO:
    """Return an open file with this content, at its start, that cannot be written to."""
    if not data:
        return Path(os.devnull).open("rb", buffering=0)
    written = os.memfd_create("pfs-task", os.MFD_CLOEXEC)
    with _closing(written):
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(written, rest) :]
        return Path(f"/proc/self/fd/{written}").open("rb", buffering=0)


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)

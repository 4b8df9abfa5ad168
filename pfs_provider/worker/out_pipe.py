"""``/pfs/out`` of a spout: a pipe whose tar archives become commits.

The pipe is made anew before each start of the command, and read to its end after each. A process of
its own commits, a client of the catalog as the command is; it is started where there is something
to commit or a marker to fetch. Invariants: the pipe is read at once, whatever a commit waits for,
until a few archives wait; an archive is committed once, in order. Must not know: commits.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue

from pfs_provider.clock import Clock, RandomIds
from pfs_provider.closing import Closing
from pfs_provider.errors import ErrorCode, UnavailableError
from pfs_provider.jobs.records import TarSpout
from pfs_provider.settings import load_settings, worker_environment
from pfs_provider.worker.staging import OUT
from pfs_provider.worker.tar_stream import ArchiveStream

__all__ = ["OutPipe"]

_COMMITTER = "pfs_provider.worker.tar_commits"
N_WAITING = 16
"""So many archives wait on the disk to be committed; whoever writes more waits, too."""
END_S = 60.0
"""What was written to the pipe has so long to be committed after the command has ended."""
_WRITABLE = 0o666
"""User code may be any user."""

Committer = subprocess.Popen[str]


@dataclass(slots=True, kw_only=True)
class OutPipe(Closing):
    """The pipe of one start of a command. A context manager; has threads of its own.

    Args:
        root: The command's ``/pfs``, with an empty folder ``out``.
        folder: Where archives lie until they are committed.
        spout: Which branches they go to.
        client: Variables of a client of catalog and store.
        clock: The time.
        tell: Told in a sentence what is for the command's log.
    """

    root: Path
    folder: Path
    spout: TarSpout
    client: Mapping[str, str] = field(repr=False)
    clock: Clock
    tell: Callable[[str], None]
    _fd: int = -1
    _ending: threading.Event = field(default_factory=threading.Event)
    _reading: threading.Thread | None = None
    _committing: threading.Thread | None = None
    _archives: "Queue[Path | None]" = field(default_factory=lambda: Queue(N_WAITING))
    _committer: Committer | None = None

    def open(self) -> None:
        """Make the pipe, put the marker beside it, and read it from now on.

        Raises:
            UnavailableError: ``catalog-unavailable``: the marker cannot be fetched.
        """
        pipe = self.root / OUT
        pipe.rmdir()
        os.mkfifo(pipe)
        pipe.chmod(_WRITABLE)
        if self.spout.marker:
            self._fetch_marker()
        self._fd = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # opening it to write does not wait
        self._reading = threading.Thread(target=self._read, name="out-pipe", daemon=True)
        self._committing = threading.Thread(target=self._commit_all, name="commits", daemon=True)
        self._reading.start()
        self._committing.start()

    def close(self) -> None:
        """Commit what lies in the pipe, and read it no more. Idempotent."""
        self._ending.set()
        if self._reading is None or self._committing is None:
            return
        self._reading.join()
        self._committing.join(END_S)
        if self._committing.is_alive():
            self.tell(f"/pfs/out could not be committed within {END_S:g} s of the command's end")
            if self._committer is not None:
                self._committer.kill()
            self._committing.join()
        os.close(self._fd)
        self._reading = self._committing = None

    def _fetch_marker(self) -> None:
        with self._start("--fetch", str(self.root)) as fetching:
            _, said = fetching.communicate()
        if fetching.returncode:
            raise UnavailableError(
                ErrorCode.CATALOG_UNAVAILABLE,
                f"the marker of {self.spout.branch} cannot be fetched: {said.strip()}",
                branch=self.spout.branch,
            )

    def _read(self) -> None:
        archives = ArchiveStream(
            fd=self._fd,
            folder=self.folder,
            clock=self.clock,
            ending=self._ending.is_set,
            tell=self.tell,
        )
        try:
            for archive in archives:
                self._archives.put(archive)
        except OSError as error:
            self.tell(f"/pfs/out is read no more: {error}")
        finally:
            self._archives.put(None)

    def _commit_all(self) -> None:
        while (archive := self._archives.get()) is not None:
            ids = RandomIds().new_id(), RandomIds().new_id()
            # One that was lost is tried again, which makes no second commit: the ids are the same.
            if not self._commit(archive, *ids) and not self._commit(archive, *ids):
                self.tell("an archive is left out: what commits it has ended twice")
            archive.unlink(missing_ok=True)
        if self._committer is not None:
            self._committer.communicate()

    def _commit(self, archive: Path, *ids: str) -> bool:
        """Return whether the committer has done with the archive."""
        if self._committer is None or self._committer.poll() is not None:
            self._committer = self._start()
            telling = threading.Thread(target=self._pass_on, args=(self._committer,), daemon=True)
            telling.start()
        asked, answers = self._committer.stdin, self._committer.stdout
        assert asked is not None  # noqa: S101 pipes both
        assert answers is not None  # noqa: S101
        try:
            asked.write(" ".join((*ids, str(archive))) + "\n")
            asked.flush()
        except BrokenPipeError:
            return False
        return bool(answers.readline())

    def _pass_on(self, committer: Committer) -> None:
        for line in committer.stderr or ():
            self.tell(line.rstrip("\n"))

    def _start(self, *more: str) -> Committer:
        words = ["--overwrite"] if self.spout.overwrite else []
        if self.spout.marker:
            words += ["--marker", self.spout.marker]
        return subprocess.Popen(
            [sys.executable, "-m", _COMMITTER, self.spout.branch, *words, *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**worker_environment(load_settings()), **self.client},
            text=True,
            errors="replace",
        )

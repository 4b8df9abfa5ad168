"""A second process beside this one, so that folders of many small files use two cores.

Invariants: what comes out is the same with and without it; where it cannot be started, or dies, the
caller does the work alone. It is a fresh interpreter, never a fork of this (threaded) one.
Must not know: packs, trees.
"""

import importlib.util
import mmap
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from pfs_provider.storage import folder_worker
from pfs_provider.storage.folder_writer import CorruptFileError

__all__ = ["FolderHelper", "open_helper"]

MANY_FILES = 3000
"""Files from which on a second process is worth its start of some 50 ms."""


class FolderHelper:
    """The second process and the memory that both see. Requests are answered in order."""

    def __init__(self, process: "subprocess.Popen[bytes]", shared: mmap.mmap) -> None:
        self._process = process
        self.shared = shared
        self.n_open = 0  # requests without an answer

    @classmethod
    def start(cls, shared_bytes: int) -> Self:
        """Start it. Raises OSError where that cannot be done."""
        handle = os.memfd_create("pfs-folder")
        try:
            os.ftruncate(handle, shared_bytes)
            shared = mmap.mmap(handle, shared_bytes)
            command = [sys.executable, "-I", "-S", folder_worker.__file__, str(handle)]
            process = subprocess.Popen(
                command + _module_folders(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=(handle,),
                start_new_session=True,  # Ctrl-C is for the parent; it ends with its input
            )
        finally:
            os.close(handle)
        return cls(process, shared)

    def ask(self, *request: Any) -> bool:
        """Send a request; return False if the process is gone."""
        assert self._process.stdin is not None  # noqa: S101  # a pipe, see start
        try:
            folder_worker.send(self._process.stdin, request)
        except OSError:
            return False
        self.n_open += 1
        return True

    @property
    def has_answer(self) -> bool:
        """Whether `answer` would not wait."""
        assert self._process.stdout is not None  # noqa: S101  # a pipe, see start
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    def answer(self) -> tuple[Any, ...] | None:
        """Return the answer to the oldest request, None if the process is gone.

        Raises:
            OSError, CorruptFileError: what the action raised there.
        """
        assert self._process.stdout is not None  # noqa: S101  # a pipe, see start
        message = folder_worker.receive(self._process.stdout)
        self.n_open -= 1
        if message is None:
            return None
        kind, *rest = message
        if kind == "oserror":
            raise OSError(*rest)
        if kind == "corrupt":
            raise CorruptFileError(*rest)
        return tuple(rest)

    def close(self) -> None:
        """End it; it stops after the request it is at."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue  # what was not sent is not wanted any more
        self._process.wait()


@contextmanager
def open_helper(n_files: int, shared_bytes: int) -> Iterator[FolderHelper | None]:
    """Give a helper if one is worth it and can be had, else None; end it afterwards."""
    helper: FolderHelper | None = None
    if n_files >= MANY_FILES and _n_processors() > 1 and sys.executable:
        try:
            helper = FolderHelper.start(shared_bytes)
        except (OSError, AttributeError):  # no memfd, no processes left, …
            helper = None
    try:
        yield helper
    finally:
        if helper is not None:
            helper.close()


def _n_processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _module_folders() -> list[str]:
    """Return where blake3 and zstd are found; the helper starts without site-packages."""
    folders: list[str] = []
    for name in ("blake3", "backports"):
        spec = importlib.util.find_spec(name)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            folder = str(Path(place).parent)
            if folder not in folders:
                folders.append(folder)
    return folders

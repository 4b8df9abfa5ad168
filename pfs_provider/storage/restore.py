"""Files of a tree as local files, every byte checked against its digest before it is kept.

Invariants: nothing is ever written through a link in the target; a file appears under its name whole
or not at all, save in a folder made by this call. Packs are read in long runs, in tree order.
Must not know: repos, commits.
"""

import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from pfs_provider.errors import ErrorCode, RefusedError, UnavailableError
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.reading import read_entry
from pfs_provider.storage.tree import iter_rows
from pfs_provider.storage.values import Entry, TreeRef

__all__ = ["Progress", "restore_file", "restore_folder"]

Progress = Callable[[int, int], None]
"""Called now and then with the files and bytes done so far, by this one call."""


def restore_file(storage: Storage, entry: Entry, target: Path) -> None:
    """Write one file, replacing a file or link of that name; its folder has to exist.

    Raises:
        CorruptDataError: ``chunk-corrupt``: nothing appeared under the name.
        RefusedError: ``target-illegal``: it is a directory, or cannot be written.
        UnavailableError: ``store-full``: the target's disk is full.
    """
    raw = os.fsencode(target)
    _write_aside(raw, read_entry(storage, entry), executable=entry.executable)


def restore_folder(
    storage: Storage,
    tree: TreeRef,
    prefix: str,
    target: Path,
    *,
    progress: Progress | None = None,
) -> int:
    """Write all files below a directory of a tree under a local folder; return how many.

    The folder is made if it is missing. Files that are there and not in the tree stay.

    Raises:
        CorruptDataError: ``chunk-corrupt``, ``page-corrupt``: files written so far are good.
        RefusedError: ``target-illegal``: a link or a file is where a folder has to be.
    """
    stem = len(prefix.rstrip("/").encode()) + 1
    folders = _Folders(target)
    n_files = n_bytes = 0
    for rows in iter_rows(storage, tree, prefix=prefix):
        for row, path in enumerate(rows.paths):
            entry = rows.entry(row)
            name = path[stem:]
            folders.make(name.rpartition(b"/")[0])
            _write_aside(
                folders.root + b"/" + name, read_entry(storage, entry), executable=entry.executable
            )
            n_files += 1
            n_bytes += entry.size
        if progress is not None:
            progress(n_files, n_bytes)
    return n_files


class _Folders:
    """Makes folders below a target, none through a link."""

    def __init__(self, target: Path) -> None:
        self.root = os.fsencode(target)
        self._made = {b""}
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise target_error(error, self.root) from error

    def make(self, name: bytes) -> None:
        """Make a folder by its relative name, and those above it."""
        if name in self._made:
            return
        self.make(name.rpartition(b"/")[0])
        path = self.root + b"/" + name
        try:
            os.mkdir(path)  # noqa: PTH102  # bytes
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(path).st_mode):
                raise _refused(path, "a link or a file is where a folder has to be") from None
        except OSError as error:
            raise target_error(error, path) from error
        self._made.add(name)


def _write_aside(path: bytes, blocks: Iterator[bytes], *, executable: bool) -> None:
    aside = _aside_name(path)
    mode = 0o777 if executable else 0o666
    try:
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except OSError as error:
        raise target_error(error, path) from error
    try:
        with open(handle, "wb") as stream:  # noqa: PTH123  # a descriptor
            for block in blocks:
                stream.write(block)
        os.replace(aside, path)  # noqa: PTH105  # bytes
    except BaseException as error:
        os.unlink(aside)  # noqa: PTH108  # bytes
        if isinstance(error, OSError):
            raise target_error(error, path) from error
        raise


def _aside_name(path: bytes) -> bytes:
    folder = path.rpartition(b"/")[0]
    prefix = folder + b"/" if folder or path.startswith(b"/") else b""
    return prefix + b".pfs-%d-%d" % (os.getpid(), threading.get_ident())


def target_error(error: OSError, path: bytes) -> RefusedError | UnavailableError:
    """Return the error that failing to write a local file or folder means."""
    name = os.fsdecode(path)
    if error.errno in {28, 122}:
        return UnavailableError(
            ErrorCode.STORE_FULL, f"{name}: the disk is full: free some space", path=name
        )
    return _refused(path, error.strerror or str(error))


def _refused(path: bytes, why: str) -> RefusedError:
    name = os.fsdecode(path)
    return RefusedError(
        ErrorCode.TARGET_ILLEGAL, f"{name} cannot be written: {why}", path=name
    )

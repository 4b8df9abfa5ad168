"""Local folders and files that are written to: made without ever following a link inside.

Invariant: a path below a target is reached through real folders only.
Must not know: stores, trees.
"""

import errno
import os
import stat
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pfs_provider.errors import ErrorCode, RefusedError, UnavailableError

__all__ = ["ASIDE", "TargetFolder", "target_error", "write_aside"]

ASIDE = b".pfs-" + os.urandom(8).hex().encode()
"""Begin of the names of files that are not whole yet; they lie beside what they become.

Random, since process ids repeat across containers that share a folder, and after a crash.
"""

_FULL = {errno.ENOSPC, errno.EDQUOT}


class TargetFolder:
    """A folder to fill. ``is_new``: nothing was in it, so that files may be made in place."""

    def __init__(self, target: Path) -> None:
        self.root = os.fsencode(target)
        self._made = {b""}
        try:
            target.mkdir(parents=True, exist_ok=True)
            with os.scandir(self.root) as entries:
                self.is_new = next(iter(entries), None) is None
        except OSError as error:
            raise target_error(error, self.root) from error

    def make_parents(self, names: Sequence[bytes]) -> None:
        """Make the folders that files of these relative names need.

        Raises:
            RefusedError: ``target-illegal``: a link or a file is in the way.
        """
        for name in sorted({name.rpartition(b"/")[0] for name in names} - self._made):
            self._make(name)

    def remove(self, names: Iterable[bytes]) -> None:
        """Remove files of a folder that was new, as far as they are there."""
        if self.is_new:
            for name in names:
                Path(os.fsdecode(self.root + b"/" + name)).unlink(missing_ok=True)

    def _make(self, name: bytes) -> None:
        if name in self._made:
            return
        self._make(name.rpartition(b"/")[0])
        path = self.root + b"/" + name
        try:
            os.mkdir(path)  # noqa: PTH102  # bytes
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(path).st_mode):
                raise _refused(path, "a link or a file is where a folder has to be") from None
        except OSError as error:
            raise target_error(error, path) from error
        self._made.add(name)


def write_aside(path: bytes, blocks: Iterator[bytes], *, executable: bool) -> None:
    """Write blocks to a file beside the path and then give it that name.

    Raises:
        RefusedError: ``target-illegal``; UnavailableError: ``store-full``. Nothing is under the
        name.
    """
    folder, slash, _ = path.rpartition(b"/")
    aside = folder + slash + ASIDE + b"-%d" % threading.get_ident()
    mode = 0o777 if executable else 0o666
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        handle = os.open(aside, flags, mode)
    except OSError as error:
        raise target_error(error, path) from error
    try:
        with open(handle, "wb") as stream:  # noqa: PTH123  # a descriptor
            stream.writelines(blocks)
        os.replace(aside, path)  # noqa: PTH105  # bytes
    except OSError as error:
        os.unlink(aside)  # noqa: PTH108  # bytes
        raise target_error(error, path) from error
    except BaseException:
        os.unlink(aside)  # noqa: PTH108  # bytes
        raise


def target_error(error: OSError, path: bytes) -> RefusedError | UnavailableError:
    """Return the error that failing to write a local file or folder means."""
    name = os.fsdecode(error.filename or path)
    if error.errno in _FULL:
        return UnavailableError(
            ErrorCode.STORE_FULL, f"{name}: the disk is full: free some space", path=name
        )
    return _refused(os.fsencode(name), error.strerror or str(error))


def _refused(path: bytes, why: str) -> RefusedError:
    name = os.fsdecode(path)
    return RefusedError(
        ErrorCode.TARGET_ILLEGAL,
        f"{name} cannot be written: {why}; name another target or remove what is there",
        path=name,
    )

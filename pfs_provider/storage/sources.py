"""What a local folder holds: its files in path order, with links resolved, or a refusal.

Invariants: nothing outside the folder is ever listed; every name is representable; the listing is
complete before the first file is read, so a refusal leaves nothing recorded.
Must not know: how files are stored.
"""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pfs_provider.errors import (
    ErrorCode,
    NotFoundError,
    PfsError,
    RefusedError,
    UnavailableError,
)
from pfs_provider.storage.folder_reader import NOT_REGULAR

__all__ = ["FolderFiles", "scan_folder", "source_error"]

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_MISSING = {errno.ENOENT, errno.ENOTDIR}


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """Files of a folder, ascending by name. ``names`` are relative, ``sources`` where to read."""

    names: list[bytes]
    sources: list[bytes]


def scan_folder(folder: Path) -> FolderFiles:
    """Return the files of a folder and of all folders below.

    A link is listed as what it points to, if that lies inside the folder.

    Raises:
        NotFoundError: ``source-not-found``: no such folder.
        RefusedError: ``source-illegal``: a FIFO, socket or device, a link that leads out of the
            folder, in a circle or nowhere, or a name that is not UTF-8.
        UnavailableError: ``source-unavailable``: reading it is not permitted.
    """
    root = os.fsencode(folder)
    try:
        real = os.path.realpath(root, strict=True)
        found = dict(_walk(real, real))
    except OSError as error:
        raise source_error(error, root) from error
    names = sorted(found)
    _check_names(names, root)
    return FolderFiles(names, [found[name] for name in names])


def _walk(root: bytes, real: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and source of every file, folders through links included."""
    # Each folder still to list: its name's prefix, where it is, and the real folders above it.
    todo: list[tuple[bytes, bytes, tuple[bytes, ...]]] = [(b"", real, (real,))]
    while todo:
        prefix, place, above = todo.pop()
        with os.scandir(place) as entries:
            for entry in entries:
                name = prefix + entry.name
                if entry.is_symlink():
                    source = _resolve(entry.path, root, above)
                    is_dir = os.path.isdir(source)  # noqa: PTH112  # bytes
                    is_file = os.path.isfile(source)  # noqa: PTH113  # bytes
                else:
                    source = entry.path
                    is_dir = entry.is_dir(follow_symlinks=False)
                    is_file = entry.is_file(follow_symlinks=False)
                if is_dir:
                    todo.append((name + b"/", source, (*above, source)))
                elif is_file:
                    yield name, source
                else:
                    raise _refused(entry.path, f"it is {_kind(source)}, not a file")


def _resolve(link: bytes, root: bytes, above: tuple[bytes, ...]) -> bytes:
    """Return what a link points to, inside the folder."""
    try:
        target = os.path.realpath(link, strict=True)
    except OSError as error:
        why = "in a circle" if error.errno == errno.ELOOP else "nowhere"
        raise _refused(link, f"it is a link that leads {why}") from error
    if target != root and not target.startswith(root.rstrip(b"/") + b"/"):
        raise _refused(link, "it is a link that leads out of the folder")
    if target in above:
        raise _refused(link, "it is a link to a folder that holds it")
    return target


def _check_names(names: list[bytes], root: bytes) -> None:
    try:
        b"\0".join(names).decode()
    except UnicodeDecodeError:
        for name in names:
            try:
                name.decode()
            except UnicodeDecodeError:
                path = os.path.join(root, name)  # noqa: PTH118  # bytes
                raise _refused(path, "its name is not UTF-8") from None
        raise


def _kind(path: bytes) -> str:
    return _KINDS.get(stat.S_IFMT(os.stat(path).st_mode), "something else")  # noqa: PTH116  # bytes


def source_error(error: OSError, path: bytes | str) -> PfsError:
    """Return the error that failing to read a local file or folder means."""
    name = os.fsdecode(error.filename or path)
    if error.errno in _MISSING:
        return NotFoundError(
            ErrorCode.SOURCE_NOT_FOUND, f"there is no {name}: name another source", path=name
        )
    if error.errno in {NOT_REGULAR, errno.ELOOP, errno.ENXIO, errno.EISDIR}:
        return _refused(name, "it is not a regular file")
    return UnavailableError(
        ErrorCode.SOURCE_UNAVAILABLE, f"{name} cannot be read: {error.strerror}", path=name
    )


def _refused(path: bytes | str, why: str) -> RefusedError:
    name = os.fsdecode(path).encode(errors="backslashreplace").decode()
    return RefusedError(ErrorCode.SOURCE_ILLEGAL, f"{name} cannot be stored: {why}", path=name)

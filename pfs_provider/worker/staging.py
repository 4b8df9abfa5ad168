"""Puts a datum's input files where its user code will see them: ``<root>/<input>/<path>``.

Invariants: files are copies, verified as they are written; ``out`` is empty. Must not know: SQL,
the queue.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pfs_provider.errors import CorruptDataError, ErrorCode, FailedError
from pfs_provider.jobs.records import PieceRecord
from pfs_provider.storage.digests import digest_bytes
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.listing import iter_entries
from pfs_provider.storage.restore import restore_file, restore_folder
from pfs_provider.storage.tree import find_entry, iter_rows
from pfs_provider.storage.values import TreeRef

__all__ = ["OUT", "Check", "clear_root", "is_placeholder", "placeholder_time_ns", "stage_datum"]

Check = Callable[[int], None]
"""Told how many bytes are about to be written at least; what it raises ends the staging."""

OUT = "out"

_SECOND_NS = 1_000_000_000


def stage_datum(
    storage: Storage,
    trees: Mapping[str, TreeRef],
    pieces: Sequence[PieceRecord],
    root: Path,
    *,
    check: Check = lambda _n_bytes: None,
) -> None:
    """Fill an empty root with a datum's files and an empty ``out``.

    Args:
        storage: Where the bytes are.
        trees: The pinned tree of each input branch, by its full name.
        pieces: The datum.
        root: An existing, empty folder.
        check: Called now and then; what it raises ends the staging, half done.

    Raises:
        CorruptDataError: A file is damaged or missing in the tree that the plan was made from.
    """
    (root / OUT).mkdir()
    for piece in pieces:
        check(0)
        folder = root / piece.input
        folder.mkdir(exist_ok=True)
        if piece.mode == "s3":
            continue
        tree = trees[piece.branch]
        if piece.mode == "empty":
            _stage_placeholders(storage, tree, piece, folder)
        elif piece.is_dir:
            check(sum(rows.total_size for rows in iter_rows(storage, tree, prefix=piece.path)))
            restore_folder(
                storage,
                tree,
                piece.path,
                _target(folder, piece.path),
                progress=lambda _files, _bytes: check(0),
            )
        else:
            _stage_file(storage, tree, piece.path, folder, check)


def placeholder_time_ns(path: str) -> int:
    """Return the time that the placeholder of a path has: within the first second of 1970.

    It tells which file's placeholder one is, wherever user code has put it.
    """
    return 1 + int.from_bytes(digest_bytes(path.encode())[:8]) % (_SECOND_NS - 1)


def is_placeholder(info: os.stat_result) -> bool:
    """Return whether a file is a placeholder, of whatever path, that was not written to."""
    return info.st_size == 0 and 0 < info.st_mtime_ns < _SECOND_NS


def clear_root(root: Path, *, but: str = "") -> None:
    """Empty a root, whatever user code left there, ``but`` for one name.

    Raises:
        FailedError: ``worker-failed``: it belongs to another user, who took the rights away.
    """
    try:
        for child in root.iterdir():
            if child.name == but:
                continue
            if child.is_dir() and not child.is_symlink():
                _open_up(child)
                shutil.rmtree(child)
            else:
                child.unlink()
    except PermissionError as error:
        raise FailedError(
            ErrorCode.WORKER_FAILED,
            f"{error.filename}: what user code left cannot be removed: {error.strerror}",
            path=str(error.filename),
        ) from error


def _stage_file(storage: Storage, tree: TreeRef, path: str, folder: Path, check: Check) -> None:
    entry = find_entry(storage, tree, path)
    if entry is None:
        raise CorruptDataError(
            ErrorCode.PAGE_CORRUPT, f"{path} is not in the tree that the job was planned on"
        )
    check(entry.size)
    target = _target(folder, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    restore_file(storage, entry, target)


def _stage_placeholders(storage: Storage, tree: TreeRef, piece: PieceRecord, folder: Path) -> None:
    if not piece.is_dir:
        paths = [piece.path]
    else:
        paths = [path for path, _ in iter_entries(storage, tree, prefix=piece.path)]
    for path in paths:
        target = _target(folder, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
        stamp = placeholder_time_ns(path)
        os.utime(target, ns=(stamp, stamp))


def _target(folder: Path, path: str) -> Path:
    return folder / path.lstrip("/")


def _open_up(folder: Path) -> None:
    """Give back the rights that user code took away, from the top down."""
    with suppress(PermissionError):  # another user's, whose executor has opened it up already
        folder.chmod(0o700)
    for child in folder.iterdir():
        if child.is_dir() and not child.is_symlink():
            _open_up(child)

"""The files that a datum was given, and which of them user code has left as they were.

A file that was left is in the store already, so a link to it in the output costs no byte.
Invariants: a file that user code changed is never taken for the one that was given: where times
leave a doubt, its bytes are compared. An empty placeholder is what it was put there for, or
refused, never an empty file. Must not know: links, how outputs are stored.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.jobs.records import PieceRecord
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.local_digest import digest_local
from pfs_provider.storage.tree import PathFinder
from pfs_provider.storage.values import Entry, TreeRef
from pfs_provider.worker.staging import is_placeholder, placeholder_time_ns

__all__ = ["GivenFiles"]

_Place = tuple[str, ...]


class GivenFiles:
    """What lies in a root when user code begins. Make it right before that, on the same thread.

    Args:
        storage: Where the trees are.
        trees: The pinned tree of each input branch.
        pieces: The datum.
        root: Where it was staged.
    """

    def __init__(
        self,
        storage: Storage,
        trees: Mapping[str, TreeRef],
        pieces: Sequence[PieceRecord],
        root: Path,
    ) -> None:
        self._storage = storage
        self._trees = trees
        self._pieces = pieces
        self._root = root
        self._folders = {name: _inode(root / name) for name in {piece.input for piece in pieces}}
        self._begun_ns = _now_ns(root)
        self._by_path: dict[tuple[str, str], list[tuple[int, PieceRecord]]] = {}
        self._finders: dict[str, PathFinder] = {}
        self._untouched: dict[_Place, bool] = {}

    def find(self, place: _Place, info: os.stat_result) -> Entry | None:
        """Return the input file that a regular file below the root still is; None: user code's own.

        Args:
            place: Its names below the root.
            info: What ``lstat`` said of it before anything was changed here. It can be read.

        Raises:
            RefusedError: ``source-illegal``: a placeholder that was moved or changed.
        """
        given = self._find_given(place)
        if given is None or (given[0].mode == "empty" and info.st_size):
            self.check_own(place, info)
            return None
        piece, entry = given
        if piece.mode == "empty":
            if info.st_mtime_ns != placeholder_time_ns("/" + "/".join(place[1:])):
                _refuse(place)
            return entry
        path = self._root.joinpath(*place)
        if not self._is_untouched(place, info) and (
            info.st_size != entry.size or digest_local(path) != entry.digest
        ):
            return None
        return replace(entry, executable=bool(info.st_mode & 0o100))

    def check_own(self, place: _Place, info: os.stat_result) -> None:
        """Refuse a placeholder in another place than its own: it would become an empty file.

        Raises:
            RefusedError: ``source-illegal``.
        """
        if is_placeholder(info) and any(piece.mode == "empty" for piece in self._pieces):
            _refuse(place)

    def _find_given(self, place: _Place) -> tuple[PieceRecord, Entry] | None:
        if place[0] not in self._folders or len(place) == 1:
            return None
        if not self._by_path:
            for order, piece in enumerate(self._pieces):
                key = piece.input, piece.path.rstrip("/")
                self._by_path.setdefault(key, []).append((order, piece))
        above = ["/".join(("", *place[1:n])) for n in range(1, len(place) + 1)]
        candidates = [
            (order, piece)
            for path in above
            for order, piece in self._by_path.get((place[0], path), [])
            if piece.mode != "s3" and piece.is_dir == (path != above[-1])
        ]
        # What was staged last lies there.
        for _, piece in sorted(candidates, key=lambda candidate: -candidate[0]):
            entry = self._finder(piece.branch).find(os.fsencode(above[-1]))
            if entry is not None:
                return piece, entry
        return None

    def _finder(self, branch: str) -> PathFinder:
        if branch not in self._finders:
            self._finders[branch] = PathFinder(self._storage, self._trees[branch])
        return self._finders[branch]

    def _is_untouched(self, place: _Place, info: os.stat_result) -> bool:
        """Return whether the file and the folders it lies in are older than user code.

        The time of the last change of an inode cannot be set, so not even a tool that keeps a
        file's time hides what it did. Folders count because what is in one that was renamed keeps
        its times; that of the input itself was moved into the root, so it goes by its inode.
        """
        return info.st_ctime_ns < self._begun_ns and self._is_old(place[:-1])

    def _is_old(self, folder: _Place) -> bool:
        known = self._untouched.get(folder)
        if known is None:
            path = self._root.joinpath(*folder)
            if len(folder) == 1:
                known = _inode(path) == self._folders[folder[0]]
            else:
                known = path.lstat().st_ctime_ns < self._begun_ns and self._is_old(folder[:-1])
            self._untouched[folder] = known
        return known


def _inode(path: Path) -> int:
    try:
        return path.lstat().st_ino
    except FileNotFoundError:
        return -1


def _now_ns(folder: Path) -> int:
    """Return the time by the clock that stamps the folder's files; 0, before all, if it is unknown.

    A file system's clock may be another machine's, and it ticks in milliseconds: what was staged
    within the same tick is in doubt.
    """
    try:
        os.utime(folder)
    except OSError:
        return 0
    return folder.stat().st_mtime_ns


def _refuse(place: _Place) -> NoReturn:
    shown = "/".join(("/pfs", *place))
    raise RefusedError(
        ErrorCode.SOURCE_ILLEGAL,
        f"{shown} is an empty placeholder of empty_files that was moved or changed, so it does not "
        "stand for its file any more: link to it where it was",
        path=shown,
    )

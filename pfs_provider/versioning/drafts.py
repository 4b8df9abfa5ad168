"""A draft: the ordered changes that one writer has gathered for one commit.

Invariants: bytes are uploaded as they come, but nothing of a draft is visible before it lands; a
draft that is dropped leaves only objects that nothing names. The last change to a path wins.
Must not know: branches and heads (landing.py).
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from pfs_provider.errors import ErrorCode, NotFoundError
from pfs_provider.refs.paths import PfsPath, join_path
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.deltas import Delta
from pfs_provider.storage.folder_puts import put_folder
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.listing import find_item, iter_entries
from pfs_provider.storage.reading import read_entry
from pfs_provider.storage.rows import EMPTY_ROWS, Rows
from pfs_provider.storage.stat_cache import StatCache
from pfs_provider.storage.tree import find_entry
from pfs_provider.storage.values import Entry, TreeRef
from pfs_provider.versioning.joined import join_blocks
from pfs_provider.versioning.sources import Source, check_folder, is_url, open_source

__all__ = ["Draft"]

BLOCK_BYTES = 1 << 20

Progress = Callable[[int, int], None]
"""Called with files and bytes done so far."""


class Draft:
    """Changes in order, to be applied to a base tree.

    Args:
        storage: Where the bytes go.
        base: The tree that the draft was begun on: appends read it, unchanged files reuse it.
        progress: Told how far a folder has come.
        stats: What is known of local folders; None has every file read.
    """

    def __init__(
        self,
        storage: Storage,
        base: TreeRef,
        *,
        progress: Progress | None = None,
        stats: StatCache | None = None,
    ) -> None:
        self._storage = storage
        self._base = base
        self._progress = progress
        self._stats = stats
        self._deltas: list[Delta] = []
        self._deletes: list[str] = []
        self._writer: ContentWriter | None = None
        self.appended: dict[PfsPath, bytes | None] = {}
        """Digest of what each append was made to: what it lands on must still hold that."""

    def put_file(self, path: PfsPath, source: Source, *, append: bool = False) -> None:
        """Put one file, or append to it.

        Raises:
            NotFoundError, RefusedError, UnavailableError: The source cannot be read (sources.py).
        """
        if append:
            self._append(path, source)
            return
        if isinstance(source, str) and not is_url(source):
            source = Path(source)  # a local file's own way: its mode counts
        if isinstance(source, Path):
            self._content().put_local(path, source)
            return
        with open_source(source) as stream:
            self._content().put_stream(path, stream)

    def put_tree(self, path: PfsPath, folder: Path) -> None:
        """Put a local folder's contents below ``path``.

        Raises:
            NotFoundError: ``source-not-found``.
            RefusedError: ``source-illegal``: not a folder, or something in it cannot be stored.
        """
        check_folder(folder)
        if self._stats is None:
            self._content().put_folder(path, folder, progress=self._progress)
            return
        self._settle()
        self._push(
            put_folder(
                self._storage,
                self._base,
                path,
                folder,
                cache=self._stats,
                progress=self._progress,
            )
        )

    def delete_file(self, path: PfsPath) -> None:
        """Delete a file, or all below a directory.

        Raises:
            NotFoundError: ``file-not-found``: neither the draft nor its base has it.
        """
        self._settle()
        if not self._holds(path):
            raise NotFoundError(
                ErrorCode.FILE_NOT_FOUND, f"there is no {path} to delete", path=path
            )
        self._deletes.append(path)

    def copy_entries(self, path: PfsPath, tree: TreeRef, source: PfsPath) -> None:
        """Copy a file or directory of any tree to ``path``, by reference.

        Raises:
            NotFoundError: ``file-not-found``: the tree has no such file or directory.
        """
        self._settle()
        item = find_item(self._storage, tree, source)
        if item is None:
            raise NotFoundError(ErrorCode.FILE_NOT_FOUND, f"there is no {source}", path=source)
        if item.entry is not None:
            pairs: Iterator[tuple[str, Entry]] = iter([(path, item.entry)])
        else:
            below = iter_entries(self._storage, tree, prefix=source)
            cut = 0 if source == "/" else len(source)
            pairs = ((join_path(path, found[cut:]), entry) for found, entry in below)
        self._push(Rows.from_entries(pairs))

    def finish(self) -> list[Delta]:
        """Return the changes in order; all their bytes are stored."""
        self._settle()
        if self._deletes:
            self._push(EMPTY_ROWS)
        return self._deltas

    def abort(self) -> None:
        """Stop uploading and forget everything."""
        if self._writer is not None:
            self._writer.abort()
            self._writer = None

    def _content(self) -> ContentWriter:
        if self._writer is None:
            self._writer = ContentWriter(self._storage, base=self._base)
        return self._writer

    def _settle(self) -> None:
        """Turn what was put so far into rows, so that later changes come after it."""
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        for rows in writer.finish():
            self._push(rows)

    def _push(self, rows: Rows) -> None:
        self._deltas.append(Delta(deletes=tuple(self._deletes), rows=rows))
        self._deletes = []

    def _append(self, path: PfsPath, source: Source) -> None:
        self._settle()
        old = self._find(path)
        with open_source(source) as stream:
            if old is None:
                self._content().put_stream(path, stream)
            else:
                joined = itertools.chain(read_entry(self._storage, old), _blocks(stream))
                self._content().put_stream(path, join_blocks(joined))

    def _find(self, path: PfsPath) -> Entry | None:
        for deletes, rows in self._layers():
            for found, entry in rows.entries():
                if found == path:
                    return entry
            if any(_covers(deleted, path) for deleted in deletes):
                return None
        there = find_entry(self._storage, self._base, path)
        self.appended[path] = None if there is None else there.digest
        return there

    def _holds(self, path: PfsPath) -> bool:
        for deletes, rows in self._layers():
            if any(_covers(path, found) for found, _ in rows.entries()):
                return True
            if any(_covers(deleted, path) for deleted in deletes):
                return False
        return path == "/" or find_item(self._storage, self._base, path) is not None

    def _layers(self) -> Iterator[tuple[Sequence[str], Rows]]:
        """Yield what was done, the last first; in each, deletes come before rows."""
        yield self._deletes, EMPTY_ROWS
        for delta in reversed(self._deltas):
            yield delta.deletes, delta.rows


def _covers(directory: str, path: str) -> bool:
    return directory in ("/", path) or path.startswith(directory + "/")


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: stream.read(BLOCK_BYTES), b"")

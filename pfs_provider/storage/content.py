"""ContentWriter: turns bytes into stored files, many at once, in bounded memory.

Invariants: a file's digest depends on its bytes alone; which objects are written depends on the
files and their order alone. Objects are durable before `finish` returns, and nothing names them
before that. One thread calls a writer; the storing goes on beside it. Must not know: trees'
changes, repos.
"""

import io
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.paths import ROOT, parse_path
from pfs_provider.storage.batches import Batch, PlaceTable
from pfs_provider.storage.chunker import LARGE_FILE, cut_stream
from pfs_provider.storage.digests import digest_bytes
from pfs_provider.storage.folder_reader import NOT_REGULAR
from pfs_provider.storage.folder_units import Unit, read_units
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.large_files import put_chunks
from pfs_provider.storage.packer import Packer
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.sources import FolderFiles, scan_folder, source_error
from pfs_provider.storage.tree import PathFinder
from pfs_provider.storage.values import EMPTY_TREE, Entry, TreeRef

__all__ = ["ContentWriter", "Progress"]

Progress = Callable[[int, int], None]
"""Called now and then with the files and bytes done so far, by this one call."""


class ContentWriter:
    """Stores files and gives them back as rows.

    Args:
        storage: Where to.
        base: A file that this tree holds under its path is not stored again, and keeps its time.
        datum: Id (16 bytes) of the datum that the first batch's files are made by.
    """

    def __init__(
        self, storage: Storage, base: TreeRef | None = None, *, datum: bytes | None = None
    ) -> None:
        self._storage = storage
        self._finder = PathFinder(storage, base or EMPTY_TREE)
        self._packer = Packer(storage)
        self._table = PlaceTable()
        self._batch = Batch(datum)
        self._batches = [self._batch]
        self._has_begun = False
        self._done: list[Rows] | None = None

    def begin_batch(self, datum: bytes | None) -> None:
        """Have the files that follow belong to a batch of their own, made by that datum.

        Files of all batches are packed together. The batch before it is ended, even if empty;
        only the one that was there before any was begun goes away if nothing was put into it.
        """
        if not self._has_begun and not self._batch.paths:
            self._batches.clear()
        self._has_begun = True
        self._batch = Batch(datum)
        self._batches.append(self._batch)

    def put_bytes(self, path: str, data: bytes, *, executable: bool = False) -> None:
        """Store bytes as the file at a path; a later put of the same path wins.

        Raises:
            RefusedError: ``path-illegal``.
            UnavailableError: The store does not take it; `abort` then.
        """
        if len(data) >= LARGE_FILE:
            self.put_stream(path, io.BytesIO(data), executable=executable)
            return
        self._put_small(_raw(path), data, executable=executable)

    def put_stream(self, path: str, stream: BinaryIO, *, executable: bool = False) -> None:
        """Store all that a binary stream gives; raises as `put_bytes`."""
        raw = _raw(path)
        head = _read_head(stream)
        if len(head) < LARGE_FILE:
            self._put_small(raw, head, executable=executable)
        else:
            self._put_large(raw, stream, head, executable=executable)

    def put_local(self, path: str, source: Path) -> None:
        """Store a local file, following a link that ``source`` itself is.

        Raises:
            NotFoundError: ``source-not-found``.
            RefusedError: ``source-illegal``: not a regular file.
            UnavailableError: ``source-unavailable``: reading is not permitted.
        """
        raw = _raw(path)
        try:
            with _open_regular(os.path.realpath(os.fsencode(source))) as stream:
                executable = bool(os.fstat(stream.fileno()).st_mode & 0o100)
                head = _read_head(stream)
                if len(head) < LARGE_FILE:
                    self._put_small(raw, head, executable=executable)
                else:
                    self._put_large(raw, stream, head, executable=executable)
        except OSError as error:
            raise source_error(error, os.fsencode(source)) from error

    def put_folder(self, path: str, folder: Path, *, progress: Progress | None = None) -> None:
        """Store a local folder's contents under a path.

        Links inside the folder are stored as what they point to.

        Raises:
            RefusedError: ``source-illegal``: a link that leads out of the folder, a FIFO, socket or
                device, a name that is not UTF-8; nothing was put then.
            NotFoundError: ``source-not-found``; UnavailableError: ``source-unavailable``.
        """
        self.put_files(path, scan_folder(folder), progress=progress)

    def put_files(self, path: str, files: FolderFiles, *, progress: Progress | None = None) -> None:
        """Store files of a folder that has been scanned; raises as `put_folder`."""
        prefix = parse_path(path).rstrip("/").encode() + b"/"
        n_files = n_bytes = 0
        for unit in read_units(files.sources):
            n_bytes += self._put_unit(files, prefix, unit)
            n_files += len(unit.sizes)
            if progress is not None:
                progress(n_files, n_bytes)

    def put_entry(self, path: str, entry: Entry) -> None:
        """Put a file that this store holds already, as one modified now; no byte is read or stored.

        Raises:
            RefusedError: ``path-illegal``.
        """
        raw = _raw(path)
        row = Rows.from_entries([(path, replace(entry, modified=None))])
        flags = bytes([entry.executable])
        self._batch.add([raw], [entry.digest], [entry.size], flags, [self._table.add(row)])

    def finish(self) -> list[Rows]:
        """Return the files of every batch, sorted; everything they name is durable. Idempotent.

        Returns:
            One item a batch, in the order of `begin_batch`; one where that was never called.

        Raises:
            UnavailableError, UnknownOutcomeError: not everything could be stored; `abort` then.
        """
        if self._done is None:
            self._packer.finish()
            self._table.fill(self._packer)
            now = self._storage.clock.now()
            self._done = [batch.to_rows(self._table, now) for batch in self._batches]
        return self._done

    def abort(self) -> None:
        """Give up: wait for what is on its way, forget the rest. Objects stored are unreachable."""
        self._packer.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.abort()

    def _put_small(self, path: bytes, data: bytes, *, executable: bool) -> None:
        view = memoryview(data)
        self._put_run([path], [digest_bytes(view)], [len(view)], bytes([executable]), view)

    def _put_large(self, path: bytes, stream: BinaryIO, head: bytes, *, executable: bool) -> None:
        digest, size = put_chunks(self._storage, cut_stream(stream, head))
        reused = self._finder.find_equal(path, digest)
        place = self._table.chunked if reused is None else self._table.add(reused)
        self._batch.add([path], [digest], [size], bytes([executable]), [place])

    def _put_unit(self, files: FolderFiles, prefix: bytes, unit: Unit) -> int:
        """Put files that were read together; return their bytes."""
        names = files.names[unit.first : unit.first + len(unit.sizes)]
        paths = [prefix + name for name in names]
        digests = [unit.digests[at : at + 32] for at in range(0, len(unit.digests), 32)]
        if -1 not in unit.sizes:
            self._put_run(paths, digests, unit.sizes, unit.flags, unit.content)
            return sum(unit.sizes)
        total = begin = used = 0
        for row, size in enumerate([*unit.sizes, -1]):
            if size != -1:
                continue
            length = sum(unit.sizes[begin:row])
            self._put_run(
                paths[begin:row],
                digests[begin:row],
                unit.sizes[begin:row],
                unit.flags[begin:row],
                unit.content[used : used + length],
            )
            used += length
            total += length
            begin = row + 1
            if row < len(paths):
                total += self._put_large_source(paths[row], files.sources[unit.first + row])
        return total

    def _put_large_source(self, path: bytes, source: bytes) -> int:
        try:
            with _open_regular(source) as stream:
                info = os.fstat(stream.fileno())
                head = _read_head(stream)
                executable = bool(info.st_mode & 0o100)
                if len(head) < LARGE_FILE:  # it shrank meanwhile
                    self._put_small(path, head, executable=executable)
                else:
                    self._put_large(path, stream, head, executable=executable)
        except OSError as error:
            raise source_error(error, source) from error
        return info.st_size

    def _put_run(
        self,
        paths: Sequence[bytes],
        digests: Sequence[bytes],
        sizes: Sequence[int],
        flags: bytes | bytearray,
        content: memoryview,
    ) -> None:
        """Put small files that lie one behind the other in ``content``."""
        if not self._finder.is_empty or 0 in sizes:
            self._put_mixed(paths, digests, sizes, flags, content)
            return
        members = self._packer.add(content, digests, sizes)
        self._batch.add(paths, digests, sizes, flags, members)

    def _put_mixed(
        self,
        paths: Sequence[bytes],
        digests: Sequence[bytes],
        sizes: Sequence[int],
        flags: bytes | bytearray,
        content: memoryview,
    ) -> None:
        """As `_put_run`, where some files are empty or in the base."""
        members: list[int] = []
        begin = end = first = 0
        for row, size in enumerate(sizes):
            reused = self._finder.find_equal(paths[row], digests[row])
            if reused is None and size:
                end += size
                continue
            members += self._packer.add(content[begin:end], digests[first:row], sizes[first:row])
            members.append(self._table.empty if reused is None else self._table.add(reused))
            begin = end = end + size
            first = row + 1
        members += self._packer.add(content[begin:end], digests[first:], sizes[first:])
        self._batch.add(paths, digests, sizes, flags, members)


def _raw(path: str) -> bytes:
    clean = parse_path(path)
    if clean == ROOT:
        raise RefusedError(
            ErrorCode.PATH_ILLEGAL, "path '/' is illegal for a file: it is the root", path=path
        )
    return clean.encode()


def _read_head(stream: BinaryIO) -> bytes:
    """Return up to `LARGE_FILE` bytes; fewer only at the stream's end."""
    head = stream.read(LARGE_FILE)
    while head and len(head) < LARGE_FILE:
        more = stream.read(LARGE_FILE - len(head))
        if not more:
            break
        head += more
    return head


def _open_regular(source: bytes) -> BinaryIO:
    handle = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(NOT_REGULAR, "not a regular file", source)
    return open(handle, "rb", buffering=0)  # noqa: PTH123  # a descriptor; the caller closes it

"""Files of a tree as local files, every byte checked against its digest before it is kept.

Invariants: nothing is ever written through a link in the target; a file appears under its name
whole or not at all, save in a folder made by this call. Packs are read in long runs, in tree order.
Must not know: repos, commits.
"""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from pfs_provider.errors import NotFoundError
from pfs_provider.storage.folder_helper import FolderHelper, open_helper
from pfs_provider.storage.folder_writer import CorruptFileError, write_files
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.keys import pack_key
from pfs_provider.storage.reading import corrupt_file, read_entry
from pfs_provider.storage.restore_units import PackRun, chunked_rows, cut_runs
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.targets import ASIDE, TargetFolder, target_error, write_aside
from pfs_provider.storage.tree import iter_rows
from pfs_provider.storage.values import Entry, TreeRef

__all__ = ["Progress", "restore_file", "restore_folder"]

Progress = Callable[[int, int], None]
"""Called now and then with the files and bytes done so far, by this one call."""

_READ_AHEAD = 3
"""Runs of packs fetched before they are written; a few MiB each."""

_ASK_AHEAD = 2
"""Runs that the second process has in hand."""


def restore_file(storage: Storage, entry: Entry, target: Path) -> None:
    """Write one file, replacing a file or link of that name; its folder has to exist.

    Raises:
        CorruptDataError: ``chunk-corrupt``: nothing appeared under the name.
        RefusedError: ``target-illegal``: it is a directory, or cannot be written.
        UnavailableError: ``store-full``: the target's disk is full.
    """
    write_aside(os.fsencode(target), read_entry(storage, entry), executable=entry.executable)


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

    Args:
        storage: Where the tree lies.
        tree: The tree.
        prefix: A directory of the tree; its contents come right under the target.
        target: The local folder. It may be a link itself; links inside are never followed.
        progress: Is told what was done.

    Raises:
        CorruptDataError: ``chunk-corrupt`` naming the path, ``page-corrupt``: files written so far
            are good.
        RefusedError: ``target-illegal``: a link or a file is where a folder has to be.
        UnavailableError: ``store-full``: the target's disk is full.
    """
    folder = TargetFolder(target)
    with open_helper(tree.n_files, _NO_MEMORY) as helper:
        writer = _Writer(storage, folder, prefix, helper if storage.store.traits.folder else None)
        for rows in iter_rows(storage, tree, prefix=prefix):
            writer.write(rows)
            if progress is not None:
                progress(writer.n_files, writer.n_bytes)
        writer.finish()
    if progress is not None:
        progress(writer.n_files, writer.n_bytes)
    return writer.n_files


_NO_MEMORY = 4096
"""Bytes shared with the second process: restoring hands over names of pack files, not bytes."""


class _Writer:
    """Writes rows as files; may lag behind until `finish`."""

    def __init__(
        self, storage: Storage, folder: TargetFolder, prefix: str, helper: FolderHelper | None
    ) -> None:
        self._storage = storage
        self._folder = folder
        self._stem = len(prefix.rstrip("/").encode()) + 1
        self._prefix = prefix.rstrip("/") + "/"
        self._helper = helper
        self._asked: deque[PackRun] = deque()
        self._fetched: deque[tuple[PackRun, Future[bytes]]] = deque()
        self.n_files = 0
        self.n_bytes = 0

    def write(self, rows: Rows) -> None:
        """Write rows, or have them written."""
        self._folder.make_parents([path[self._stem :] for path in rows.paths])
        for row in chunked_rows(rows):
            entry = rows.entry(row)
            path = self._folder.root + b"/" + rows.paths[row][self._stem :]
            write_aside(path, read_entry(self._storage, entry), executable=entry.executable)
        for run in cut_runs(rows, self._stem):
            self._start(run)
        self.n_files += len(rows)
        self.n_bytes += rows.total_size

    def finish(self) -> None:
        """Wait until everything is written."""
        while self._asked:
            self._collect()
        while self._fetched:
            self._put(*self._fetched.popleft())

    def _start(self, run: PackRun) -> None:
        if self._ask(run):
            return
        if self._storage.is_near:
            self._put(run, None)
            return
        self._fetched.append((run, self._storage.pool.submit(self._fetch, run)))
        if len(self._fetched) > _READ_AHEAD:
            self._put(*self._fetched.popleft())

    def _ask(self, run: PackRun) -> bool:
        """Hand a run to the second process if it has room."""
        helper, root = self._helper, self._storage.store.traits.folder
        if helper is None or root is None or run.start == run.stop:
            return False
        while self._asked and helper.has_answer:
            self._collect()
        if len(self._asked) >= _ASK_AHEAD or self._helper is None:
            return False
        pack = os.fsencode(root / pack_key(run.pack))
        size = run.stop - run.start
        aside = None if self._folder.is_new else ASIDE + b"h"
        done = helper.ask(
            "write", self._folder.root, run.names, run.cells, pack, run.start, size, aside
        )
        if done:
            self._asked.append(run)
        return done

    def _collect(self) -> None:
        run = self._asked.popleft()
        assert self._helper is not None  # noqa: S101  # something was asked
        try:
            answer = self._helper.answer()
        except CorruptFileError as error:
            raise self._corrupt(error) from error
        except FileNotFoundError as error:
            raise self._missing(run) from error
        except OSError as error:
            raise target_error(error, self._folder.root) from error
        if answer is None:  # it died: do here what it was asked for
            again = [run, *self._asked]
            self._asked.clear()
            self._helper = None
            for lost in again:
                self._folder.remove(lost.names)
                self._put(lost, None)

    def _fetch(self, run: PackRun) -> bytes:
        if run.start == run.stop:
            return b""
        try:
            return self._storage.get(pack_key(run.pack), start=run.start, stop=run.stop)
        except NotFoundError as error:
            raise self._missing(run) from error

    def _put(self, run: PackRun, content: Future[bytes] | None) -> None:
        data = self._fetch(run) if content is None else content.result()
        root, aside = self._folder.root, None if self._folder.is_new else ASIDE
        try:
            write_files(root, run.names, run.cells, data, start=run.start, aside=aside)
        except CorruptFileError as error:
            raise self._corrupt(error) from error
        except OSError as error:
            raise target_error(error, root) from error

    def _corrupt(self, error: CorruptFileError) -> Exception:
        name: bytes = error.args[0]
        return corrupt_file(
            self._prefix + name.decode(), "its stored bytes are not those that were written"
        )

    def _missing(self, run: PackRun) -> Exception:
        path = self._prefix + run.names[0].decode()
        return corrupt_file(path, f"pack {run.pack.hex()} is missing")

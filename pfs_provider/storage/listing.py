"""Files and directories of a tree: one by its path, or the children of a directory.

Invariants: directories are implied by the files below them; the root is always one. Children come
in the byte order of their paths, a directory's taken with its trailing slash; ordered streams.
Must not know: globs.
"""

from bisect import bisect_left
from collections.abc import Iterator

from pfs_provider.storage.digests import FolderHasher
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.tree import find_entry, iter_rows
from pfs_provider.storage.values import Entry, TreeItem, TreeRef

__all__ = ["FolderFold", "file_item", "find_item", "iter_entries", "list_folder"]


def find_item(storage: Storage, tree: TreeRef, path: str) -> TreeItem | None:
    """Return the file or directory at a path, None if there is neither.

    A directory's digest takes reading the pages of all files below it.

    Raises:
        CorruptDataError: ``page-corrupt``.
    """
    clean = path.rstrip("/")
    if clean:
        entry = find_entry(storage, tree, clean)
        if entry is not None:
            return file_item(clean, entry)
    fold = FolderFold(clean.encode())
    for rows in iter_rows(storage, tree, prefix=clean or "/"):
        fold.add(rows)
    return fold.item() if fold.n_files or not clean else None


def iter_entries(
    storage: Storage, tree: TreeRef, *, prefix: str = "/", start: str | None = None
) -> Iterator[tuple[str, Entry]]:
    """Yield the files below a directory, in path order.

    Args:
        storage: Where the tree lies.
        tree: The tree.
        prefix: A directory; a file of that name is not below it.
        start: Leave out paths before this one.

    Raises:
        CorruptDataError: ``page-corrupt``. What was yielded before is good.
    """
    for rows in iter_rows(storage, tree, prefix=prefix, start=start):
        yield from rows.entries()


def list_folder(storage: Storage, tree: TreeRef, path: str) -> Iterator[TreeItem]:
    """Yield the children of a directory, files and directories; nothing if there is none.

    Raises:
        CorruptDataError: ``page-corrupt``.
    """
    prefix = path.rstrip("/").encode() + b"/"
    fold: FolderFold | None = None
    for rows in iter_rows(storage, tree, prefix=path):
        row = 0
        while row < len(rows):
            name = rows.paths[row]
            slash = name.find(b"/", len(prefix))
            folder = name[:slash] if slash >= 0 else None
            if fold is not None and fold.path != folder:
                yield fold.item()
                fold = None
            if folder is None:
                yield file_item(name.decode(), rows.entry(row))
                row += 1
                continue
            stop = bisect_left(rows.paths, folder + b"0", row)  # "0" follows "/"
            fold = fold or FolderFold(folder)
            fold.add(rows.cut(row, stop))
            row = stop
    if fold is not None:
        yield fold.item()


def file_item(path: str, entry: Entry) -> TreeItem:
    """Return a file as an item."""
    return TreeItem(
        path=path,
        is_dir=False,
        size=entry.size,
        digest=entry.digest,
        n_files=1,
        entry=entry,
    )


class FolderFold:
    """Folds all rows below one directory into its item.

    Args:
        path: The directory without a trailing slash; ``b""`` is the root.
    """

    def __init__(self, path: bytes) -> None:
        self.path = path
        self._hasher = FolderHasher()

    @property
    def n_files(self) -> int:
        """Files added so far."""
        return self._hasher.n_files

    def add(self, rows: Rows) -> None:
        """Add rows, all below the directory, in path order."""
        if not len(rows):
            return
        # A path begins with the directory behind every NUL, and nowhere else is there a NUL.
        joined = b"\0" + b"\0".join(rows.paths) + b"\0"
        relative = joined.replace(b"\0" + self.path + b"/", b"\0")[1:]
        self._hasher.update(
            paths=relative,
            digests=rows.digests,
            executable=rows.executable,
            size=rows.total_size,
        )

    def item(self) -> TreeItem:
        """Return the directory."""
        return TreeItem(
            path=self.path.decode() or "/",
            is_dir=True,
            size=self._hasher.size,
            digest=self._hasher.digest(),
            n_files=self._hasher.n_files,
            entry=None,
        )

"""The files and directories of a tree that a glob selects, as an ordered stream.

Invariants: only the pages that the glob's literal prefix allows are read; directories are found on
the way, and digested only where they match. Must not know: glob syntax, captures.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from pfs_provider.refs.globs import Glob
from pfs_provider.storage.diff import diff_trees
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.listing import FolderFold, file_item, find_item
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.tree import iter_run
from pfs_provider.storage.values import TreeItem, TreeRef

__all__ = ["glob_changed", "glob_items", "glob_under"]


def glob_items(storage: Storage, tree: TreeRef, glob: Glob) -> Iterator[TreeItem]:
    """Yield what the glob selects: files, and directories unless the glob is for files only.

    Order is that of `list_folder`. The root of an empty tree matches nothing.

    Raises:
        CorruptDataError: ``page-corrupt``.
    """
    return _glob(storage, tree, glob, glob.prefix)


def glob_under(
    storage: Storage, tree: TreeRef, glob: Glob, stems: Iterable[str]
) -> Iterator[TreeItem]:
    """Yield those of `glob_items` whose paths begin with one of the stems, in the same order.

    Args:
        storage: Where the tree lies.
        tree: The tree.
        glob: What is wanted of it.
        stems: In path order, none within another. Only their pages are read.

    Raises:
        CorruptDataError: ``page-corrupt``.
    """
    for stem in stems:
        for item in _glob(storage, tree, glob, stem):
            if item.path.startswith(stem):  # the folders above a stem may match, too
                yield item


def glob_changed(storage: Storage, tree: TreeRef, other: TreeRef, glob: Glob) -> Iterator[TreeItem]:
    """Yield those of `glob_items` that the other tree does not hold just so, in the same order.

    Cost is by what differs, and by the files of the folders that match and differ.

    Raises:
        CorruptDataError: ``page-corrupt``.
    """
    match = glob.pattern.match
    above: list[str] = []  # the directories above the path before
    for change in diff_trees(storage, tree, other):
        folders = [] if glob.files_only else ["/", *_folders(change.path)]
        for folder in folders:
            if folder not in above and match(folder):
                item = find_item(storage, tree, folder)
                if item is not None and item.is_dir and item.n_files:
                    yield item
        above = folders
        if change.new is not None and match(change.path):
            yield file_item(change.path, change.new)


def _glob(storage: Storage, tree: TreeRef, glob: Glob, stem: str) -> Iterator[TreeItem]:
    """Yield what the glob selects of the files whose paths begin with a stem."""
    if glob.literal is not None:
        item = find_item(storage, tree, glob.literal)
        return iter([item] if item is not None and item.n_files else [])
    start = stem.encode()
    rows = iter_run(storage, tree, start, _after(start))
    if glob.files_only:
        return _glob_files(rows, glob)
    if glob.depth is not None:
        return _glob_depth(rows, glob, glob.depth)
    return _glob_any(storage, tree, rows, glob)


def _after(stem: bytes) -> bytes | None:
    """Return the end of the range of all paths that begin with the bytes."""
    return stem + b"\xff" if stem else None  # no UTF-8 text holds the byte 0xff


def _glob_files(many: Iterator[Rows], glob: Glob) -> Iterator[TreeItem]:
    match = glob.pattern.match
    for rows in many:
        for row, path in enumerate(b"\0".join(rows.paths).decode().split("\0")):
            if match(path):
                yield file_item(path, rows.entry(row))


def _glob_depth(many: Iterator[Rows], glob: Glob, depth: int) -> Iterator[TreeItem]:
    """Yield the matches among the items with that many elements."""
    match = glob.pattern.match
    fold: FolderFold | None = None
    current: bytes | None = None  # the directory whose files are passed
    for rows in many:
        row = 0
        while row < len(rows):
            path = rows.paths[row]
            elements = path.split(b"/", depth + 1)
            folder = b"/".join(elements[: depth + 1]) if len(elements) > depth + 1 else None
            if folder != current:
                if fold is not None:
                    yield fold.item()
                fold, current = None, folder
                if folder is not None and match(folder.decode()):
                    fold = FolderFold(folder)
            if folder is None:
                text = path.decode()
                if len(elements) == depth + 1 and match(text):
                    yield file_item(text, rows.entry(row))
                row += 1
                continue
            stop = bisect_left(rows.paths, folder + b"0", row)  # "0" follows "/"
            if fold is not None:
                fold.add(rows.cut(row, stop))
            row = stop
    if fold is not None:
        yield fold.item()


def _glob_any(
    storage: Storage, tree: TreeRef, many: Iterator[Rows], glob: Glob
) -> Iterator[TreeItem]:
    """Yield the matches at any depth; a matching directory's files are read once more."""
    match = glob.pattern.match
    above: list[str] = []  # the directories above the path before
    for rows in many:
        for row, raw in enumerate(rows.paths):
            path = raw.decode()
            folders = _folders(path)
            for folder in folders:
                if folder not in above and match(folder):
                    item = find_item(storage, tree, folder)
                    if item is not None:
                        yield item
            above = folders
            if match(path):
                yield file_item(path, rows.entry(row))


def _folders(path: str) -> list[str]:
    """Return the directories above a path, outermost first, without the root."""
    folders: list[str] = []
    cut = path.find("/", 1)
    while cut > 0:
        folders.append(path[:cut])
        cut = path.find("/", cut + 1)
    return folders

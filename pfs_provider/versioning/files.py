"""Reading the files of a commit: list, glob, inspect, open, restore, diff.

Every verb takes an address; a branch means its newest finished commit (trees.py). Directories exist
as long as they hold a file; their paths end in ``/`` in what is given back.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from pfs_provider.catalog import history
from pfs_provider.catalog.values import Commit
from pfs_provider.errors import ErrorCode, NotFoundError, RefusedError
from pfs_provider.infos import DiffInfo, FileInfo
from pfs_provider.refs.addresses import Address
from pfs_provider.refs.globs import compile_glob
from pfs_provider.storage.diff import diff_trees
from pfs_provider.storage.globbing import glob_items
from pfs_provider.storage.listing import find_item, list_folder
from pfs_provider.storage.reading import open_entry
from pfs_provider.storage.restore import restore_file, restore_folder
from pfs_provider.storage.values import EMPTY_TREE, Entry, TreeItem, TreeRef
from pfs_provider.versioning.trees import commit_tree, read_commit
from pfs_provider.versioning.versions import Versions

__all__ = [
    "diff_files",
    "find_commits",
    "get_file",
    "get_tree",
    "glob_files",
    "inspect_file",
    "list_files",
    "open_file",
]


def list_files(versions: Versions, address: Address) -> Iterator[FileInfo]:
    """Yield the children of a directory in path order, or the file itself.

    Raises:
        NotFoundError: The commit, or ``file-not-found``. Raised before the first value.
    """
    commit, tree = read_commit(versions, address)
    path = address.file_path
    item = find_item(versions.storage, tree, path)
    if item is None:
        raise _missing(address)
    if item.entry is not None:
        return iter([_info(item, commit)])
    children = list_folder(versions.storage, tree, path)
    return (_info(child, commit) for child in children)


def glob_files(versions: Versions, address: Address, pattern: str) -> Iterator[FileInfo]:
    """Yield what matches a glob, in path order; nothing if nothing does.

    Raises:
        RefusedError: ``glob-illegal`` with the position.
        NotFoundError: No such commit.
    """
    glob = compile_glob(pattern)
    commit, tree = read_commit(versions, address)
    return (_info(item, commit) for item in glob_items(versions.storage, tree, glob))


def inspect_file(versions: Versions, address: Address) -> FileInfo:
    """Return one file or directory. Raises NotFoundError ``file-not-found``."""
    commit, tree = read_commit(versions, address)
    item = find_item(versions.storage, tree, address.file_path)
    if item is None:
        raise _missing(address)
    return _info(item, commit)


def open_file(versions: Versions, address: Address) -> BinaryIO:
    """Open one file for reading, seekable; every byte is verified.

    Raises:
        NotFoundError: ``file-not-found``.
        RefusedError: ``path-illegal``: it is a directory.
    """
    return open_entry(versions.storage, _file(versions, address))


def get_file(versions: Versions, address: Address, target: Path) -> None:
    """Write one file to a local path, whole or not at all. Raises as ``open_file``."""
    if target.is_dir():
        target = target / address.file_path.rpartition("/")[2]
    restore_file(versions.storage, _file(versions, address), target)


def get_tree(
    versions: Versions,
    address: Address,
    target: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write a directory's contents below a local folder and return the number of files.

    Never writes through a link in the target. A file is written as one file of its name.
    """
    _, tree = read_commit(versions, address)
    item = find_item(versions.storage, tree, address.file_path)
    if item is None:
        raise _missing(address)
    if item.entry is not None:
        target.mkdir(parents=True, exist_ok=True)
        restore_file(versions.storage, item.entry, target / item.path.rpartition("/")[2])
        return 1
    return restore_folder(versions.storage, tree, address.file_path, target, progress=progress)


def diff_files(versions: Versions, new: Address, old: Address | None = None) -> Iterator[DiffInfo]:
    """Yield the files that differ, in path order.

    Args:
        versions: Where.
        new: The newer side; its path narrows the result.
        old: The older side; None means the parent of ``new``.
    """
    commit, tree = read_commit(versions, new)
    old_tree = _parent_tree(versions, commit) if old is None else read_commit(versions, old)[1]
    path = new.file_path
    for change in diff_trees(versions.storage, tree, old_tree):
        if path in {"/", change.path} or change.path.startswith(path + "/"):
            yield _diff(change.path, change.old, change.new)


def find_commits(versions: Versions, address: Address) -> Iterator[Commit]:
    """Yield the commits of a branch that changed a path, newest first."""
    path = address.file_path
    with versions.catalog.read() as tx:
        found = history.list_commits(tx, address.repo, branch=address.branch_key.name)
    for commit in found:
        if commit.state != "finished" or commit.error:
            continue
        new = find_item(versions.storage, commit_tree(versions, commit), path)
        old = find_item(versions.storage, _parent_tree(versions, commit), path)
        if (new and new.digest) != (old and old.digest):
            yield commit


def _parent_tree(versions: Versions, commit: Commit | None) -> TreeRef:
    if commit is None:
        return EMPTY_TREE
    with versions.catalog.read() as tx:
        base = history.base_commit(tx, commit)
    return EMPTY_TREE if base is None else commit_tree(versions, base)


def _file(versions: Versions, address: Address) -> Entry:
    _, tree = read_commit(versions, address)
    item = find_item(versions.storage, tree, address.file_path)
    if item is None:
        raise _missing(address)
    if item.entry is None:
        raise RefusedError(
            ErrorCode.PATH_ILLEGAL,
            f"{address} is a directory: name a file, or get it with -r (get_tree)",
            path=address.file_path,
        )
    return item.entry


def _missing(address: Address) -> NotFoundError:
    return NotFoundError(
        ErrorCode.FILE_NOT_FOUND,
        f"there is no {address.file_path} in {address.repo}@"
        f"{address.branch or address.commit}: list its directory to see what there is",
        path=address.file_path,
    )


def _info(item: TreeItem, commit: Commit | None) -> FileInfo:
    path = item.path if not item.is_dir else item.path.rstrip("/") + "/"
    return FileInfo(
        path=path,
        type="dir" if item.is_dir else "file",
        size=item.size,
        digest=item.digest.hex(),
        datum=item.entry.datum.hex() if item.entry is not None and item.entry.datum else None,
        modified=_modified(item, commit),
    )


def _modified(item: TreeItem, commit: Commit | None) -> datetime | None:
    if item.entry is not None and item.entry.modified is not None:
        return item.entry.modified
    return None if commit is None else commit.finished


def _diff(path: str, old: Entry | None, new: Entry | None) -> DiffInfo:
    return DiffInfo(
        op=_op(old, new),
        path=path,
        old_size=None if old is None else old.size,
        new_size=None if new is None else new.size,
    )


def _op(old: Entry | None, new: Entry | None) -> str:
    if old is None:
        return "added"
    return "deleted" if new is None else "modified"

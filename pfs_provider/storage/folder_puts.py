"""Storing a folder of which most was stored before: what is as it was is neither read nor stored.

Invariant: the rows are those that reading every file would give: a file counts as unchanged only if
the cache knows its digest and the base holds that very file under its path.
Must not know: drafts, commits. Source: docs/design/0024-stat-cache.md.
"""

from collections.abc import Iterator
from pathlib import Path

from pfs_provider.refs.paths import parse_path
from pfs_provider.storage.content import ContentWriter, Progress
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import EXECUTABLE, HAS_MODIFIED, Rows, join_rows, merge_rows
from pfs_provider.storage.sources import FolderFiles, scan_folder
from pfs_provider.storage.stat_cache import Seen, StatCache
from pfs_provider.storage.tree import iter_rows
from pfs_provider.storage.values import TreeRef

__all__ = ["put_folder"]


def put_folder(
    storage: Storage,
    base: TreeRef,
    path: str,
    folder: Path,
    *,
    cache: StatCache,
    progress: Progress | None = None,
) -> Rows:
    """Store a local folder's contents under a path and return its files; all is durable then.

    Args:
        storage: Where to.
        base: A file that this tree holds under its path is not stored again, and keeps its time.
        path: A directory.
        folder: What to store. Links inside are stored as what they point to.
        cache: What is known of the folder; it learns what was read.
        progress: Told how far it has come.

    Raises:
        PfsError: as ``ContentWriter.put_folder``; nothing that was stored is named then.
    """
    files = scan_folder(folder)
    seen = cache.look(folder, files)
    prefix = parse_path(path).rstrip("/").encode() + b"/"
    kept = join_rows(list(_find_kept(storage, base, path, prefix, seen)))
    n_kept, n_bytes = len(kept), kept.total_size
    if progress is not None and n_kept:
        progress(n_kept, n_bytes)

    def go_on(more: int, more_bytes: int) -> None:
        if progress is not None:
            progress(n_kept + more, n_bytes + more_bytes)

    with ContentWriter(storage, base) as writer:
        writer.put_files(path, _others(files, prefix, kept), progress=go_on)
        rows = merge_rows([kept, *writer.finish()])
    cache.keep(seen, [rows.digests[at : at + 32] for at in range(0, len(rows.digests), 32)])
    return rows


def _find_kept(
    storage: Storage, base: TreeRef, path: str, prefix: bytes, seen: Seen
) -> Iterator[Rows]:
    """Yield the base's rows of the files that are what they were when they were last read."""
    wanted = {
        prefix + name: (digest, seen.is_executable(row))
        for row, (name, digest) in enumerate(zip(seen.names, seen.digests, strict=True))
        if digest is not None
    }
    if not wanted:
        return
    for rows in iter_rows(storage, base, prefix=path):
        start = None
        for row, name in enumerate(rows.paths):
            flags = rows.flags[row]
            has = rows.digests[32 * row : 32 * row + 32], bool(flags & EXECUTABLE)
            is_same = wanted.get(name) == has and bool(flags & HAS_MODIFIED)
            if is_same and start is None:
                start = row
            elif not is_same and start is not None:
                yield rows.cut(start, row).with_datum(None)
                start = None
        if start is not None:
            yield rows.cut(start, len(rows)).with_datum(None)


def _others(files: FolderFiles, prefix: bytes, kept: Rows) -> FolderFiles:
    known = set(kept.paths)
    rows = [row for row, name in enumerate(files.names) if prefix + name not in known]
    return FolderFiles([files.names[row] for row in rows], [files.sources[row] for row in rows])

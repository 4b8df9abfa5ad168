"""Three-way merge of trees, by path; cost by what both sides changed.

Invariant: a path that one side changed is taken from that side; what both changed alike is no
conflict.
Must not know: commits, branches.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.storage.building import apply_ranges
from pfs_provider.storage.diff import diff_trees
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.values import Change, Entry, TreeRef

__all__ = ["MergeConflict", "OnConflict", "merge_trees"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeConflict:
    """A path that both sides changed in different ways; None where there is no file."""

    path: str
    base: Entry | None
    ours: Entry | None
    theirs: Entry | None


OnConflict = Callable[[MergeConflict], Entry | None]
"""Decides a conflict: the file that the path gets, None for no file."""


def merge_trees(
    storage: Storage,
    base: TreeRef,
    ours: TreeRef,
    theirs: TreeRef,
    *,
    on_conflict: OnConflict | None = None,
) -> TreeRef:
    """Return ours with what theirs changed since the base.

    Raises:
        ConflictError: ``path-conflict``: both changed one path and no ``on_conflict`` was given, or
            a path would be both a file and a directory. Nothing visible was written.
        CorruptDataError: ``page-corrupt``.
    """
    if ours.logical == base.logical:
        return theirs
    if theirs.logical in {base.logical, ours.logical}:
        return ours
    decide = _refuse if on_conflict is None else on_conflict
    gone: list[bytes] = []
    puts: list[tuple[str, Entry]] = []
    for mine, change in _pair(storage, base, ours, theirs):
        entry = change.new
        if mine is not None:
            if _is_same(mine.new, change.new):
                continue
            entry = decide(
                MergeConflict(path=change.path, base=change.old, ours=mine.new, theirs=change.new)
            )
        if entry is None:
            gone.append(change.path.encode())
        else:
            puts.append((change.path, entry))
    ranges = [(path, path + b"\0") for path in gone]
    return apply_ranges(storage, ours, ranges=ranges, rows=Rows.from_entries(puts))


def _pair(
    storage: Storage, base: TreeRef, ours: TreeRef, theirs: TreeRef
) -> Iterator[tuple[Change | None, Change]]:
    """Yield what theirs changed, beside what ours did to the same path."""
    mine = iter(diff_trees(storage, ours, base))
    current = next(mine, None)
    for change in diff_trees(storage, theirs, base):
        while current is not None and current.path < change.path:
            current = next(mine, None)
        same = current is not None and current.path == change.path
        yield current if same else None, change


def _is_same(one: Entry | None, other: Entry | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.is_same_content(other)


def _refuse(conflict: MergeConflict) -> Entry | None:
    raise ConflictError(
        ErrorCode.PATH_CONFLICT,
        f"{conflict.path} was changed on both sides: say which one counts, or change one of them",
        path=conflict.path,
    )

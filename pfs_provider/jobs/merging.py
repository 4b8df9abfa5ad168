"""From datum results to an output tree.

Previous output − outputs of vanished or changed datums + new outputs.
Invariant: the result equals the union of the outputs of the datums in the manifest, whichever job
it starts from; the previous job only saves work. A property test holds this.
Must not know: SQL, states.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.jobs.memo import read_record
from pfs_provider.jobs.records import MemoRecord
from pfs_provider.storage.apply import apply_changes
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.diff import diff_trees
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.listing import iter_entries
from pfs_provider.storage.reading import read_entry
from pfs_provider.storage.rows import Rows, find_duplicates, merge_rows
from pfs_provider.storage.tree import find_entries
from pfs_provider.storage.values import EMPTY_TREE, Entry, TreeRef
from pfs_provider.versioning.joined import join_blocks

__all__ = ["Base", "merge_in_order", "merge_outputs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """An earlier job's manifest and the output tree that it gave."""

    manifest: TreeRef
    output: TreeRef


NOTHING = Base(manifest=EMPTY_TREE, output=EMPTY_TREE)


def merge_outputs(
    storage: Storage,
    manifest: TreeRef,
    base: Base,
    fresh: Mapping[bytes, MemoRecord] = MappingProxyType({}),
) -> TreeRef:
    """Return the output of the datums in ``manifest``, at a cost by what differs from ``base``.

    Args:
        storage: Where.
        manifest: The datums that count.
        base: What to start from.
        fresh: Records by datum id that need not be read: those that were just written.

    Raises:
        ConflictError: ``output-conflict``: two datums wrote one path, both are named;
            ``path-conflict``: one wrote a file where another wrote a directory.
    """
    deletes: list[str] = []
    added: list[Rows] = []
    names: list[bytes] = []
    for change in diff_trees(storage, manifest, base.manifest):
        if change.old is not None:
            rows = Rows.decode(read_record(storage, change.old).rows)
            deletes.extend(path for path, _ in rows.entries())
        if change.new is not None:
            datum = bytes.fromhex(change.path[1:])
            record = fresh.get(datum) or read_record(storage, change.new)
            added.append(Rows.decode(record.rows))
            names.append(record.id)
    for path, first, second in find_duplicates(added):
        raise _conflict(path, names[first].hex(), names[second].hex())
    rows = merge_rows(added)
    _check_base(storage, base.output, rows, set(deletes))
    return apply_changes(storage, base.output, deletes=sorted(set(deletes)), rows=rows)


def merge_in_order(
    storage: Storage, manifest: TreeRef, order: Sequence[bytes], *, policy: str
) -> TreeRef:
    """Return the output where datums may write one path, all of it made anew.

    Args:
        storage: Where.
        manifest: The datums that count.
        order: Datum ids in datum order.
        policy: ``overwrite``: the later datum wins; ``concat``: pieces in datum order.
    """
    records = {record.id: record for record in _records(storage, manifest)}
    parts = [Rows.decode(records[datum].rows) for datum in order if datum in records]
    if policy == "concat":
        joined = _joined(storage, parts)
        if joined is not None:
            parts.append(joined)
    return apply_changes(storage, EMPTY_TREE, deletes=(), rows=merge_rows(parts))


def _records(storage: Storage, manifest: TreeRef) -> Iterator[MemoRecord]:
    for _, entry in iter_entries(storage, manifest):
        yield read_record(storage, entry)


def _joined(storage: Storage, parts: Sequence[Rows]) -> Rows | None:
    shared = {path for path, _, _ in find_duplicates(parts)}
    pieces: dict[str, list[Entry]] = {path: [] for path in sorted(shared)}
    for rows in parts:
        for path, entry in rows.entries():
            if path in shared:
                pieces[path].append(entry)
    if not pieces:
        return None
    writer = ContentWriter(storage)
    for path, entries in pieces.items():
        blocks = chain.from_iterable(read_entry(storage, entry) for entry in entries)
        writer.put_stream(path, join_blocks(blocks))
    return merge_rows(writer.finish())


def _check_base(storage: Storage, output: TreeRef, rows: Rows, gone: set[str]) -> None:
    if output == EMPTY_TREE:
        return
    new = [(path, entry) for path, entry in rows.entries() if path not in gone]
    found = find_entries(storage, output, [path for path, _ in new])
    for (path, entry), there in zip(new, found, strict=True):
        if there is not None:
            raise _conflict(path, _name(there), _name(entry))


def _name(entry: Entry) -> str:
    return entry.datum.hex() if entry.datum else "unknown"


def _conflict(path: str, first: str, second: str) -> ConflictError:
    return ConflictError(
        ErrorCode.OUTPUT_CONFLICT,
        f"datums {first} and {second} both wrote {path}: give their outputs different names, "
        "or set output_conflict to overwrite or concat in the spec",
        path=path,
        datums=(first, second),
    )

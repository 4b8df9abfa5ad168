"""From datum results to an output tree.

Previous output − outputs of vanished or changed datums + new outputs.
Invariant: the result equals the union of the outputs of the datums in the manifest, whichever job
it starts from; the previous job only saves work. A property test holds this. Memory does not grow
with the datums or their files, but with the pieces of one path that are joined.
Must not know: SQL, states.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby

from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.jobs.memo import RecordReader
from pfs_provider.sorting import Seeker, Sorter
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.diff import diff_trees
from pfs_provider.storage.gathering import TreeEdits
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.listing import iter_entries
from pfs_provider.storage.reading import read_entry
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.values import EMPTY_TREE, Entry, TreeRef
from pfs_provider.versioning.joined import join_blocks

__all__ = ["Base", "merge_in_order", "merge_outputs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """An earlier job's manifest and the output tree that it gave."""

    manifest: TreeRef
    output: TreeRef


NOTHING = Base(manifest=EMPTY_TREE, output=EMPTY_TREE)

_GOES, _COMES = b"-", b"+"

_JOINED_AT_ONCE = 8192
"""Files written together; a writer holds some hundred bytes of each until its end."""

_PLACE_BYTES = 9
"""Behind a path: NUL, which no path holds, and the datum's number, so that the sort is by both."""


def merge_outputs(
    storage: Storage, manifest: TreeRef, base: Base, fresh: Sorter | None = None
) -> TreeRef:
    """Return the output of the datums in ``manifest``, at a cost by what differs from ``base``.

    Args:
        storage: Where.
        manifest: The datums that count.
        base: What to start from.
        fresh: Rows by datum id of records that need not be read: those that were just written.

    Raises:
        ConflictError: ``output-conflict``: two datums wrote one path, both are named;
            ``path-conflict``: one wrote a file where another wrote a directory.
    """
    with Sorter() as none, RecordReader() as reader, TreeEdits() as edits:
        written = Seeker(none if fresh is None else fresh)
        for change in diff_trees(storage, manifest, base.manifest):
            if change.old is not None:
                reader.want(change.old, _GOES)
            if change.new is None:
                continue
            datum = bytes.fromhex(change.path[1:])
            rows = written.find(datum)
            if rows is None:
                reader.want(change.new, _COMES)
            else:
                edits.put(Rows.decode(rows).with_datum(datum))
        for label, record in reader.read(storage):
            rows_of = Rows.decode(record.rows)
            if label == _COMES:
                edits.put(rows_of.with_datum(record.id))
            else:
                for path in rows_of.paths:
                    edits.delete(path)
        return edits.apply(storage, base.output, clash=_conflict)


def merge_in_order(
    storage: Storage, manifest: TreeRef, order: Iterable[bytes], *, policy: str
) -> TreeRef:
    """Return the output where datums may write one path, all of it made anew.

    Args:
        storage: Where.
        manifest: The datums that count.
        order: Datum ids in datum order.
        policy: ``overwrite``: the later datum wins; ``concat``: pieces in datum order.
    """
    with Sorter() as places, RecordReader() as reader, Sorter() as files, TreeEdits() as edits:
        for number, datum in enumerate(order):
            places.add(datum, number.to_bytes(8, "big"))
        place_of = Seeker(places)
        for path, entry in iter_entries(storage, manifest):
            place = place_of.find(bytes.fromhex(path[1:]))
            if place is not None:
                reader.want(entry, place)
        for place, record in reader.read(storage):
            rows = Rows.decode(record.rows)
            for raw, cells in zip(rows.paths, rows.cells(), strict=True):
                files.add(raw + b"\0" + place, cells)
        for rows in _one_a_path(storage, files, policy):
            edits.put(rows)
        return edits.apply(storage, EMPTY_TREE)


def _one_a_path(storage: Storage, files: Sorter, policy: str) -> Iterator[Rows]:
    """Yield one file for each path of files that are sorted by path and datum order."""
    writer, n_joined = ContentWriter(storage), 0
    for raw, pairs in groupby(files, lambda pair: pair[0][:-_PLACE_BYTES]):
        found = [cells for _, cells in pairs]
        if policy != "concat" or len(found) == 1:
            yield Rows.from_cells([raw], found[-1:])
            continue
        entries = [Rows.from_cells([raw], [cells]).entry(0) for cells in found]
        blocks = chain.from_iterable(read_entry(storage, entry) for entry in entries)
        writer.put_stream(raw.decode(), join_blocks(blocks))
        n_joined += 1
        if n_joined % _JOINED_AT_ONCE == 0:
            yield from writer.finish()
            writer = ContentWriter(storage)
    yield from writer.finish()


def _conflict(path: str, one: Entry, two: Entry) -> ConflictError:
    first, second = _name(one), _name(two)
    return ConflictError(
        ErrorCode.OUTPUT_CONFLICT,
        f"datums {first} and {second} both wrote {path}: give their outputs different names, "
        "or set output_conflict to overwrite or concat in the spec",
        path=path,
        datums=(first, second),
    )


def _name(entry: Entry) -> str:
    return entry.datum.hex() if entry.datum else "unknown"

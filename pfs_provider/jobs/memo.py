"""The memo of a pipeline: datum key → what the datum gave, over all its jobs.

It is a tree like a commit's: one small file ``/<key>`` per datum that ever succeeded, so that it
costs by the change and is looked up page by page. A job's manifest holds the very same files under
``/<datum id>``, by reference. A key says nothing of the repo, so an equal one may have been worked
for a datum of another id: each entry names the datum that its record was written for.
"""

from collections.abc import Iterable, Iterator, Sequence

from pfs_provider.closing import Closing
from pfs_provider.jobs.records import DatumRecord, MemoRecord, decode, encode
from pfs_provider.sorting import Sorter
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.reading import read_entry
from pfs_provider.storage.rows import CELLS, EMPTY_ROWS, Rows
from pfs_provider.storage.tree import find_entries
from pfs_provider.storage.values import EMPTY_TREE, Entry, InPack, TreeRef

__all__ = [
    "RecordReader",
    "find_in_memo",
    "in_batches",
    "read_record",
    "take_over",
    "write_records",
]

BATCH_RECORDS = 8192
"""Records stored together: some MiB, so that they share a pack."""

BATCH_BYTES = 32 << 20
"""Bytes of rows after which a batch ends whatever the number of its records."""


def find_in_memo(storage: Storage, memo: TreeRef, keys: Sequence[bytes]) -> list[Entry | None]:
    """Return for each datum key the record's entry, None for one that never succeeded."""
    if memo == EMPTY_TREE or not keys:
        return [None] * len(keys)
    order = sorted(range(len(keys)), key=keys.__getitem__)
    found = find_entries(storage, memo, ["/" + keys[at].hex() for at in order])
    out: list[Entry | None] = [None] * len(keys)
    for at, entry in zip(order, found, strict=True):
        out[at] = entry
    return out


def write_records(storage: Storage, records: Iterable[MemoRecord]) -> tuple[Rows, Rows]:
    """Store records and return them as rows of a manifest (by datum id) and of a memo (by key).

    All of them are in memory: see `in_batches`.
    """
    writer = ContentWriter(storage)
    kept: dict[bytes, MemoRecord] = {}
    for record in records:
        path = "/" + record.id.hex()
        kept[path.encode()] = record
        writer.put_bytes(path, encode(record))
    rows = next(iter(writer.finish()), EMPTY_ROWS)
    written = [kept[path] for path in rows.paths]
    manifest = rows.with_datums(b"".join([record.id for record in written]))
    keys = [b"/" + record.key.hex().encode() for record in written]
    cells = dict(zip(keys, manifest.cells(), strict=True))
    paths = sorted(cells)
    return manifest, Rows.from_cells(paths, [cells[path] for path in paths])


def in_batches(records: Iterable[MemoRecord]) -> Iterator[list[MemoRecord]]:
    """Yield records in batches for `write_records` that fit into memory."""
    batch: list[MemoRecord] = []
    used = 0
    for record in records:
        batch.append(record)
        used += len(record.rows)
        if len(batch) >= BATCH_RECORDS or used >= BATCH_BYTES:
            yield batch
            batch, used = [], 0
    if batch:
        yield batch


def take_over(old: MemoRecord, datum: DatumRecord) -> MemoRecord:
    """Return a record of the memo as if it had been worked for a datum of the same key."""
    rows = Rows.decode(old.rows).with_datum(datum.id)
    return MemoRecord(id=datum.id, key=datum.key, pieces=datum.pieces, rows=rows.encode())


def read_record(storage: Storage, entry: Entry) -> MemoRecord:
    """Return a record of a memo or manifest. Raises CorruptDataError if it is damaged."""
    data = b"".join(read_entry(storage, entry))
    return decode(data, MemoRecord, name=f"memo record {entry.digest.hex()}")


class RecordReader(Closing):
    """Reads many records in the order in which they lie in the store: no block is read twice.

    A manifest and a memo name their records by digests: read in that order, each record would take
    a block of a pack of its own. One thread fills it; then it is read.
    """

    def __init__(self) -> None:
        self._sorter = Sorter()

    def want(self, entry: Entry, label: bytes) -> None:
        """Have a record be read; the label comes back with it."""
        place = entry.place
        spot = entry.digest
        if isinstance(place, InPack):
            offsets = place.offset, place.inner_offset
            spot = place.pack + b"".join(number.to_bytes(4, "big") for number in offsets)
        (cells,) = Rows.from_entries([("/", entry)]).cells()
        self._sorter.add(spot, cells + label)

    def read(self, storage: Storage) -> Iterator[tuple[bytes, MemoRecord]]:
        """Yield label and record of all that is wanted. Raises as `read_record`."""
        for _, value in self._sorter:
            entry = Rows.from_cells([b"/"], [value[:CELLS]]).entry(0)
            yield value[CELLS:], read_record(storage, entry)

    def close(self) -> None:
        """Forget all. Idempotent."""
        self._sorter.close()

"""The memo of a pipeline: datum key → what the datum gave, over all its jobs.

It is a tree like a commit's: one small file ``/<key>`` per datum that ever succeeded, so that it
costs by the change and is looked up page by page. A job's manifest holds the very same files under
``/<datum id>``, by reference. A key says nothing of the repo, so an equal one may have been worked
for a datum of another id: each entry names the datum that its record was written for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pfs_provider.jobs.records import DatumRecord, MemoRecord, decode, encode
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.reading import read_entry
from pfs_provider.storage.rows import EMPTY_ROWS, Rows
from pfs_provider.storage.tree import find_entries
from pfs_provider.storage.values import EMPTY_TREE, Entry, TreeRef

__all__ = ["find_in_memo", "read_record", "take_over", "write_records"]


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
    """Store records and return them as rows of a manifest (by datum id) and of a memo (by key)."""
    writer = ContentWriter(storage)
    kept: dict[str, tuple[str, bytes]] = {}
    for record in records:
        path = "/" + record.id.hex()
        kept[path] = ("/" + record.key.hex(), record.id)
        writer.put_bytes(path, encode(record))
    manifest = next(iter(writer.finish()), EMPTY_ROWS)
    memo = Rows.from_entries(
        (kept[path][0], replace(entry, datum=kept[path][1])) for path, entry in manifest.entries()
    )
    return manifest, memo


def take_over(storage: Storage, entry: Entry, datum: DatumRecord) -> MemoRecord:
    """Return a record of the memo as if it had been worked for a datum of the same key."""
    old = read_record(storage, entry)
    rows = Rows.decode(old.rows).with_datum(datum.id)
    return MemoRecord(id=datum.id, key=datum.key, pieces=datum.pieces, rows=rows.encode())


def read_record(storage: Storage, entry: Entry) -> MemoRecord:
    """Return a record of a memo or manifest. Raises CorruptDataError if it is damaged."""
    data = b"".join(read_entry(storage, entry))
    return decode(data, MemoRecord, name=f"memo record {entry.digest.hex()}")

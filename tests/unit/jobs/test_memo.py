"""The memo: datum key to what the datum gave."""

from dataclasses import replace

import pytest

from pfs_provider.jobs.memo import (
    BATCH_BYTES,
    BATCH_RECORDS,
    RecordReader,
    find_in_memo,
    in_batches,
    read_record,
    take_over,
    write_records,
)
from pfs_provider.jobs.records import DatumRecord, MemoRecord, PieceRecord
from pfs_provider.storage.apply import apply_changes
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.values import EMPTY_TREE
from tests.pfs_world import PfsWorld


@pytest.fixture
def storage(world: PfsWorld) -> Storage:
    return world.storage


def _record(storage: Storage, number: int) -> MemoRecord:
    writer = ContentWriter(storage, datum=bytes([number]) * 16)
    writer.put_bytes("/out", b"%d" % number)
    (rows,) = writer.finish()
    return MemoRecord(
        id=bytes([number]) * 16,
        key=bytes([255 - number]) * 32,
        pieces=[PieceRecord("in", "default/in@master", f"/{number}", is_dir=False)],
        rows=rows.encode(),
    )


def test_records_are_found_by_key_in_any_order(storage: Storage) -> None:
    records = [_record(storage, number) for number in range(5)]
    manifest, memo_rows = write_records(storage, records)
    memo = apply_changes(storage, EMPTY_TREE, deletes=(), rows=memo_rows)
    keys = [records[3].key, b"?" * 32, records[0].key, records[3].key]

    found = find_in_memo(storage, memo, keys)

    assert [None if entry is None else read_record(storage, entry) for entry in found] == [
        records[3], None, records[0], records[3]
    ]  # fmt: skip
    assert manifest.paths == [b"/" + record.id.hex().encode() for record in records]


def test_a_memo_entry_names_its_datum(storage: Storage) -> None:
    record = _record(storage, 7)

    _, memo_rows = write_records(storage, [record])

    assert [entry.datum for _, entry in memo_rows.entries()] == [record.id]


def test_nothing_is_known_at_first(storage: Storage) -> None:
    assert find_in_memo(storage, EMPTY_TREE, [b"k" * 32]) == [None]
    assert len(write_records(storage, [])[0]) == 0


def test_two_datums_of_one_key_give_one_memo_entry(storage: Storage) -> None:
    one, two = _record(storage, 1), _record(storage, 2)
    twin = MemoRecord(id=two.id, key=one.key, pieces=two.pieces, rows=two.rows)

    manifest, memo_rows = write_records(storage, [one, twin])

    assert (len(manifest), len(memo_rows)) == (2, 1)


def test_a_record_is_taken_over_for_a_datum_of_another_repo(storage: Storage) -> None:
    record = _record(storage, 1)
    _, memo_rows = write_records(storage, [record])
    ((_, entry),) = memo_rows.entries()
    pieces = [PieceRecord("in", "default/other@master", "/1", is_dir=False)]
    datum = DatumRecord(id=b"n" * 16, key=record.key, pieces=pieces)

    taken = take_over(read_record(storage, entry), datum)

    assert (taken.id, taken.key, taken.pieces) == (datum.id, datum.key, pieces)
    ((path, file),) = Rows.decode(taken.rows).entries()
    ((old_path, old_file),) = Rows.decode(record.rows).entries()
    assert path == old_path
    assert file == replace(old_file, datum=datum.id)


def test_many_records_are_read_with_their_labels(storage: Storage) -> None:
    records = [_record(storage, number) for number in range(5)]
    manifest, _ = write_records(storage, records)

    with RecordReader() as reader:
        for path, entry in manifest.entries():
            reader.want(entry, path.encode())
        found = dict(reader.read(storage))

    assert found == {b"/" + record.id.hex().encode(): record for record in records}


def test_a_batch_ends_with_its_records_or_their_bytes() -> None:
    small = MemoRecord(id=b"", key=b"", pieces=[], rows=b"")
    large = MemoRecord(id=b"", key=b"", pieces=[], rows=bytes(BATCH_BYTES // 2))

    assert [len(batch) for batch in in_batches([small] * (BATCH_RECORDS + 1))] == [BATCH_RECORDS, 1]
    assert [len(batch) for batch in in_batches([large] * 5)] == [2, 2, 1]
    assert list(in_batches([])) == []

from datetime import UTC, datetime

from pfs_provider.storage.batches import Batch, PlaceTable
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.packer import Packer
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.values import Chunked, Empty, InPack
from pfs_provider.testing.trees import make_entry

NOW = datetime(2024, 5, 6, 7, 8, 9, 10, UTC)


def test_places_and_times_are_found_by_number(storage: Storage) -> None:
    packer, table, batch = Packer(storage), PlaceTable(), Batch(b"d" * 16)
    (member,) = packer.add(memoryview(b"hello"), [b"h" * 32], [5])
    old = Rows.from_entries([("/x", make_entry("old"))])
    reused = table.add(old)
    batch.add(
        [b"/d", b"/a", b"/c", b"/b"],
        [b"h" * 32, b"e" * 32, b"c" * 32, b"o" * 32],
        [5, 0, 2**30, 3],
        b"\0\0\1\0",
        [member, table.empty, table.chunked, reused],
    )
    packer.finish()
    table.fill(packer)

    entries = dict(batch.to_rows(table, NOW).entries())

    assert list(entries) == ["/a", "/b", "/c", "/d"]
    assert [type(entry.place) for entry in entries.values()] == [Empty, InPack, Chunked, InPack]
    assert entries["/b"].place == old.entry(0).place
    assert entries["/c"].executable
    assert {(entry.datum, entry.modified) for entry in entries.values()} == {(b"d" * 16, NOW)}


def test_the_last_of_two_puts_counts(storage: Storage) -> None:
    packer, table, batch = Packer(storage), PlaceTable(), Batch(None)
    for digest in (b"1" * 32, b"2" * 32):
        batch.add([b"/a"], [digest], [0], b"\0", [table.empty])
    table.fill(packer)

    assert batch.to_rows(table, NOW).digests == b"2" * 32

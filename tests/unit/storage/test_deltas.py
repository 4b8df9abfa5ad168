import pytest

from pfs_provider.errors import ConflictError, CorruptDataError, ErrorCode
from pfs_provider.storage.deltas import Delta, read_delta, write_delta
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import EMPTY_ROWS, Rows
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.testing.trees import make_entry


def rows(n_files: int) -> Rows:
    return Rows.from_entries((f"/{n}", make_entry(str(n))) for n in range(n_files))


@pytest.mark.parametrize("n_files", [0, 1, 2048, 2049, 6000])
def test_a_delta_comes_back_and_has_one_name(storage: Storage, n_files: int) -> None:
    delta = Delta(("/gone", "/é"), rows(n_files))

    name = write_delta(storage, delta)

    assert read_delta(storage, name) == delta
    assert write_delta(storage, delta) == name


def test_many_puts_are_not_held_by_the_delta(storage: Storage, store: MemoryStore) -> None:
    write_delta(storage, Delta((), rows(6000)))

    sizes = [len(data) for key, data in store.objects.items() if key.startswith("deltas/")]
    assert len(sizes) == 1
    assert sizes[0] < 500


def test_many_puts_that_clash_are_refused_when_they_are_written(storage: Storage) -> None:
    clash = Rows.from_entries([*rows(3000).entries(), ("/1/x", make_entry(""))])

    with pytest.raises(ConflictError):
        write_delta(storage, Delta((), clash))


@pytest.mark.parametrize("damage", ["missing", "flipped", "name"])
def test_a_damaged_delta_is_refused(storage: Storage, store: MemoryStore, damage: str) -> None:
    name = write_delta(storage, Delta(("/a",), EMPTY_ROWS))
    (key,) = store.objects
    data = store.objects.pop(key)
    if damage == "flipped":
        store.objects[key] = data[:-1] + bytes([data[-1] ^ 1])

    with pytest.raises(CorruptDataError) as caught:
        read_delta(storage, "nonsense" if damage == "name" else name)

    assert caught.value.code == ErrorCode.RECORD_CORRUPT

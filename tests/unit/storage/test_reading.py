import io
import random
from collections.abc import Callable

import pytest

from pfs_provider.errors import CorruptDataError, ErrorCode
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.reading import open_entry, read_entry
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.storage.tree import find_entry
from pfs_provider.storage.values import Entry, TreeRef

LARGE = random.Random(8).randbytes(9 << 20)
CONTENT = {
    "/empty": b"",
    "/first": b"hello " * 100,
    "/noise": random.Random(9).randbytes(200_000),
    "/second": b"world " * 100,
    "/large": LARGE,
}
Put = Callable[[dict[str, bytes]], TreeRef]


def find(storage: Storage, tree: TreeRef, path: str) -> Entry:
    entry = find_entry(storage, tree, path)
    assert entry is not None
    return entry


@pytest.mark.parametrize("path", CONTENT)
def test_any_part_of_a_file_comes_back(storage: Storage, put: Put, path: str) -> None:
    entry, data = find(storage, put(CONTENT), path), CONTENT[path]

    for start, stop in ((0, None), (3, 7), (len(data), None), (len(data) // 2, 10**9), (5, 5)):
        blocks = list(read_entry(storage, entry, start=start, stop=stop))
        assert b"".join(blocks) == data[start:stop]
        assert all(blocks)


@pytest.mark.parametrize("path", CONTENT)
def test_an_open_file_is_seekable(storage: Storage, put: Put, path: str) -> None:
    entry, data = find(storage, put(CONTENT), path), CONTENT[path]
    model = io.BytesIO(data)
    chooser = random.Random(1)

    with open_entry(storage, entry) as stream:
        assert stream.readable()
        assert stream.seekable()
        for _ in range(30):
            at, size = chooser.randrange(len(data) + 9), chooser.randrange(50_000)
            assert stream.seek(at) == model.seek(at)
            assert stream.read(size) == model.read(size)
            assert stream.tell() == model.tell()
        stream.seek(-min(4, len(data)), io.SEEK_END)
        assert stream.read() == data[-4:]


def test_seeking_before_the_start_is_an_error(storage: Storage, put: Put) -> None:
    with (
        open_entry(storage, find(storage, put(CONTENT), "/large")) as stream,
        pytest.raises(ValueError, match="before the file's first byte"),
    ):
        stream.seek(-1)


@pytest.mark.parametrize("path", ["/first", "/noise", "/large"])
def test_a_flipped_bit_is_never_handed_out(
    storage: Storage, store: MemoryStore, put: Put, path: str
) -> None:
    entry = find(storage, put(CONTENT), path)
    for key in [key for key in store.objects if key.startswith(("packs/", "chunks/"))]:
        data = bytearray(store.objects[key])
        for at in range(3, len(data), 50):
            data[at] ^= 1
        store.objects[key] = bytes(data)

    with pytest.raises(CorruptDataError) as caught:
        b"".join(read_entry(storage, entry))

    assert caught.value.code == ErrorCode.CHUNK_CORRUPT


@pytest.mark.parametrize("path", ["/first", "/noise", "/large"])
def test_a_missing_object_is_corrupt_data_too(
    storage: Storage, store: MemoryStore, put: Put, path: str
) -> None:
    entry = find(storage, put(CONTENT), path)
    store.delete([key for key in store.objects if key.startswith(("packs/", "chunks/"))])

    with pytest.raises(CorruptDataError, match="missing") as caught:
        b"".join(read_entry(storage, entry))

    assert caught.value.code == ErrorCode.CHUNK_CORRUPT

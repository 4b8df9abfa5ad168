import random

import pytest

from pfs_provider.errors import CorruptDataError, ErrorCode
from pfs_provider.storage.digests import digest_bytes
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.keys import chunk_key, manifest_key
from pfs_provider.storage.large_files import put_chunks, read_chunk, read_chunks, read_manifest
from pfs_provider.storage.stores.memory import MemoryStore

CHUNKS = [random.Random(n).randbytes(1000 + n) for n in range(20)] + [bytes(5000)]
DATA = b"".join(CHUNKS)


@pytest.mark.parametrize(
    ("start", "stop"), [(0, len(DATA)), (0, 1), (999, 1002), (5000, 5000), (len(DATA) - 3, 10**9)]
)
def test_any_part_comes_back(storage: Storage, start: int, stop: int) -> None:
    digest, size = put_chunks(storage, CHUNKS)
    manifest = read_manifest(storage, digest)

    assert size == manifest.size == len(DATA)
    assert b"".join(read_chunks(storage, manifest, start, stop)) == DATA[start:stop]


def test_chunks_that_are_there_are_not_sent_again(storage: Storage, store: MemoryStore) -> None:
    put_chunks(storage, CHUNKS)
    n_objects = len(store.objects)

    put_chunks(storage, [*CHUNKS, b"one more"])

    assert len(store.objects) == n_objects + 2


def test_the_digest_covers_how_the_file_is_cut(storage: Storage) -> None:
    assert put_chunks(storage, [b"ab", b"c"])[0] != put_chunks(storage, [b"a", b"bc"])[0]


@pytest.mark.parametrize("damage", [b"", b"\0other", b"\1nothing that zstd made", None])
def test_a_damaged_chunk_is_refused(
    storage: Storage, store: MemoryStore, damage: bytes | None
) -> None:
    put_chunks(storage, [b"hello"])
    digest = digest_bytes(b"hello")
    store.delete([chunk_key(digest)])
    if damage is not None:
        store.objects[chunk_key(digest)] = damage

    with pytest.raises(CorruptDataError, match=digest.hex()) as caught:
        read_chunk(storage, digest)

    assert caught.value.code == ErrorCode.CHUNK_CORRUPT


@pytest.mark.parametrize("damage", ["missing", "other", "cut"])
def test_a_damaged_manifest_is_refused(storage: Storage, store: MemoryStore, damage: str) -> None:
    digest, _ = put_chunks(storage, [b"hello"])
    other, _ = put_chunks(storage, [b"world"])
    key = manifest_key(digest)
    whole = store.objects.pop(key)
    if damage != "missing":
        store.objects[key] = store.objects[manifest_key(other)] if damage == "other" else whole[:-1]

    with pytest.raises(CorruptDataError, match=digest.hex()):
        read_manifest(storage, digest)

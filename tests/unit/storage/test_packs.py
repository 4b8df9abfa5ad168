import random

from pfs_provider.storage.digests import digest_bytes
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.packs import PACK_MAX, PACK_MIN, is_pack_end, put_pack
from pfs_provider.storage.rows import RAW_PLACE, ZSTD_PLACE
from pfs_provider.storage.stores.memory import MemoryStore


def put(storage: Storage, files: list[bytes]) -> bytes:
    content = memoryview(b"".join(files))
    packed = put_pack(storage, content, [digest_bytes(f) for f in files], [len(f) for f in files])
    assert len(packed.spots) == len(packed.places) == len(files)
    return packed.pack


def test_equal_files_in_equal_order_make_one_pack(storage: Storage, store: MemoryStore) -> None:
    files = [b"a" * 100, b"b" * 200_000, b"c"]

    assert put(storage, files) == put(storage, files)
    assert len(store.objects) == 1
    assert put(storage, files[::-1]) != put(storage, files)


def test_blocks_are_compressed_where_it_pays(storage: Storage, store: MemoryStore) -> None:
    noise = random.Random(1).randbytes(200_000)
    files = [noise, b"a" * 200_000]

    packed = put_pack(
        storage, memoryview(b"".join(files)), [digest_bytes(f) for f in files], [200_000] * 2
    )

    assert packed.places == [RAW_PLACE, ZSTD_PLACE]
    (data,) = store.objects.values()
    assert data[5 : 5 + 200_000] == noise
    assert len(data) < 202_000


def test_a_pack_ends_between_its_bounds_by_content() -> None:
    low, high = bytes(32), b"\xff" * 32

    assert not is_pack_end(PACK_MIN - 1, low, 1000)
    assert is_pack_end(PACK_MIN, low, 1000)
    assert not is_pack_end(PACK_MAX - 1, high, 1000)
    assert is_pack_end(PACK_MAX, high, 1000)

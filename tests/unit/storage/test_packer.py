import random

import pytest

from pfs_provider.errors import PfsError
from pfs_provider.storage.digests import digest_bytes
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.packer import Packer
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.testing.stores import Fault, FaultyStore, fail_always
from tests.unit.storage.test_handle import QuickClock


def add(packer: Packer, files: list[bytes]) -> list[int]:
    content = memoryview(b"".join(files))
    return packer.add(content, [digest_bytes(f) for f in files], [len(f) for f in files])


def test_a_file_that_came_before_is_the_same_member(storage: Storage, store: MemoryStore) -> None:
    packer = Packer(storage)

    first = add(packer, [b"a", b"b", b"a"])
    second = add(packer, [b"b", b"c"])
    packer.finish()

    assert (first, second) == ([0, 1, 0], [1, 2])
    assert len(packer.spots) == len(packer.packs) == len(packer.places) == 3
    assert len(store.objects) == 1


def test_packs_do_not_depend_on_the_runs_the_files_come_in(storage: Storage) -> None:
    noise = random.Random(2)
    files = [noise.randbytes(40_000) for _ in range(1200)]
    files[700:800] = files[:100]
    whole, runs = Packer(storage), Packer(storage)

    add(whole, files)
    for at in range(0, len(files), 7):
        add(runs, files[at : at + 7])
    whole.finish()
    runs.finish()

    assert (whole.packs, whole.spots, whole.places) == (runs.packs, runs.spots, runs.places)
    assert len(set(whole.packs)) > 2


def test_a_store_that_is_full_is_told_at_the_end_at_the_latest() -> None:
    faulty = FaultyStore(MemoryStore(), fail_always(Fault.FULL, verb="create"))

    with Storage(faulty, clock=QuickClock()) as storage:
        packer = Packer(storage)
        add(packer, [b"a"])
        for _ in range(2):
            with pytest.raises(PfsError, match="full"):
                packer.finish()
        packer.abort()

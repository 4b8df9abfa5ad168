"""A storage in memory for the tests of this room, and short ways to fill it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.storage.building import build_tree
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.storage.stores.open import open_store
from pfs_provider.storage.values import TreeRef


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def storage(store: MemoryStore) -> Iterator[Storage]:
    with Storage(store, clock=SystemClock()) as storage:
        yield storage


@pytest.fixture
def local_storage(tmp_path: Path) -> Iterator[Storage]:
    with Storage(open_store(str(tmp_path / "store")), clock=SystemClock()) as storage:
        yield storage


@pytest.fixture
def put(storage: Storage) -> Callable[[dict[str, bytes]], TreeRef]:
    """Store files and return the tree of them."""

    def put(content: dict[str, bytes]) -> TreeRef:
        writer = ContentWriter(storage)
        for path, data in content.items():
            writer.put_bytes(path, data)
        (rows,) = writer.finish()
        return build_tree(storage, rows)

    return put

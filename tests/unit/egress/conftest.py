"""A storage in memory, and trees of a few files in it."""

from collections.abc import Callable, Iterator, Mapping
from io import BytesIO

import pytest

from pfs_provider.clock import SystemClock
from pfs_provider.storage.apply import apply_changes
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import merge_rows
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.storage.values import EMPTY_TREE, TreeRef

MakeTree = Callable[[Mapping[str, bytes]], TreeRef]


@pytest.fixture
def storage() -> Iterator[Storage]:
    with Storage(MemoryStore(), clock=SystemClock()) as made:
        yield made


@pytest.fixture
def make_tree(storage: Storage) -> MakeTree:
    def make(files: Mapping[str, bytes]) -> TreeRef:
        writer = ContentWriter(storage)
        for path, data in files.items():
            writer.put_stream(path, BytesIO(data))
        rows = merge_rows(writer.finish())
        return apply_changes(storage, EMPTY_TREE, deletes=(), rows=rows)

    return make

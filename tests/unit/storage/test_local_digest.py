"""The digest of a local file is the one it gets when it is stored."""

from pathlib import Path

import pytest

from pfs_provider.storage.chunker import LARGE_FILE
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.local_digest import digest_local


@pytest.mark.parametrize("size", [0, 1, LARGE_FILE - 1, LARGE_FILE, 5 * LARGE_FILE + 7])
def test_it_is_the_one_that_a_writer_gives(storage: Storage, tmp_path: Path, size: int) -> None:
    source = tmp_path / "file"
    source.write_bytes((bytes(range(251)) * (size // 251 + 1))[:size])
    writer = ContentWriter(storage)
    writer.put_local("/file", source)
    ((_, entry),) = writer.finish()[0].entries()

    assert digest_local(source) == entry.digest

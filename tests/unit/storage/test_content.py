import contextlib
import errno
import io
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, NotFoundError, PfsError, RefusedError
from pfs_provider.storage.building import build_tree
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.digests import digest_bytes
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.reading import read_entry
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.storage.tree import iter_rows
from pfs_provider.storage.values import Chunked, Empty, Entry, TreeRef
from pfs_provider.testing.stores import (
    Fault,
    FaultyStore,
    KilledError,
    fail_at,
)
from tests.unit.storage.test_handle import QuickClock

LARGE = random.Random(7).randbytes(5 << 20)
Put = Callable[[dict[str, bytes]], TreeRef]


def finish(writer: ContentWriter) -> dict[str, Entry]:
    (rows,) = writer.finish()
    return dict(rows.entries())


def read(storage: Storage, entry: Entry) -> bytes:
    return b"".join(read_entry(storage, entry))


@pytest.mark.parametrize("data", [b"", b"x", bytes((1 << 20) - 1), bytes(1 << 20), LARGE])
def test_a_digest_does_not_depend_on_the_way_the_bytes_come(
    storage: Storage, tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_bytes(data)
    writer = ContentWriter(storage)

    writer.put_bytes("/bytes", data)
    writer.put_stream("/stream", io.BytesIO(data))
    writer.put_local("/local", tmp_path / "in" / "file")
    writer.put_folder("/folder", tmp_path / "in")

    entries = finish(writer)
    assert set(entries) == {"/bytes", "/stream", "/local", "/folder/file"}
    assert len({(entry.digest, entry.size) for entry in entries.values()}) == 1
    assert all(read(storage, entry) == data for entry in entries.values())


def test_small_files_are_digested_plainly_and_large_ones_by_chunks(storage: Storage) -> None:
    writer = ContentWriter(storage)
    writer.put_bytes("/small", b"hello")
    writer.put_bytes("/large", LARGE)
    writer.put_bytes("/empty", b"")

    entries = finish(writer)

    assert entries["/small"].digest == digest_bytes(b"hello")
    assert isinstance(entries["/large"].place, Chunked)
    assert isinstance(entries["/empty"].place, Empty)


def test_the_later_put_of_a_path_wins(storage: Storage) -> None:
    writer = ContentWriter(storage)
    for path, data in (("/b", b"1"), ("/a", b"2"), ("/b", b"3")):
        writer.put_bytes(path, data)

    entries = finish(writer)

    assert list(entries) == ["/a", "/b"]
    assert read(storage, entries["/b"]) == b"3"


def test_files_of_many_datums_share_packs_and_come_back_apart(
    storage: Storage, store: MemoryStore
) -> None:
    writer = ContentWriter(storage)
    for number in range(3):
        writer.begin_batch(bytes([number]) * 16)
        writer.put_bytes(f"/{number}", b"x%d" % number)
    writer.begin_batch(None)

    batches = writer.finish()

    assert [[path for path, _ in rows.entries()] for rows in batches] == [
        ["/0"],
        ["/1"],
        ["/2"],
        [],
    ]
    assert [batches[n].entry(0).datum for n in range(3)] == [bytes([n]) * 16 for n in range(3)]
    assert len(store.objects) == 1
    assert writer.finish() is batches


def test_nothing_put_gives_one_empty_batch(storage: Storage, store: MemoryStore) -> None:
    (rows,) = ContentWriter(storage).finish()

    assert len(rows) == 0
    assert store.objects == {}


def test_what_the_base_holds_is_not_stored_again(
    storage: Storage, store: MemoryStore, put: Put, tmp_path: Path
) -> None:
    content = {"/in/a": b"same", "/in/b": b"old", "/in/c": LARGE, "/in/d": b""}
    base = put(content)
    for path, data in (content | {"/in/b": b"new"}).items():
        (tmp_path / Path(path).name).write_bytes(data)
    n_objects = len(store.objects)
    before = dict(base_rows(storage, base).entries())

    writer = ContentWriter(storage, base)
    writer.put_folder("/in", tmp_path)
    entries = finish(writer)

    assert {path for path in content if entries[path] == before[path]} == set(content) - {"/in/b"}
    assert len(store.objects) == n_objects + 1  # the pack of /in/b


def base_rows(storage: Storage, tree: TreeRef) -> Rows:
    (rows,) = iter_rows(storage, tree)
    return rows


def test_executable_bits_are_kept(storage: Storage, tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_bytes(b"#!/bin/sh\n")
    script.chmod(0o755)
    large = tmp_path / "large"
    large.write_bytes(LARGE)
    large.chmod(0o700)

    writer = ContentWriter(storage)
    writer.put_folder("/", tmp_path)
    writer.put_local("/one", script)
    writer.put_bytes("/two", b"", executable=True)
    writer.put_bytes("/three", b"")

    flags = {path: entry.executable for path, entry in finish(writer).items()}
    assert flags == {
        "/large": True,
        "/one": True,
        "/run.sh": True,
        "/three": False,
        "/two": True,
    }


@pytest.mark.parametrize("path", ["/", "", "/a/../b", "/a//b", "/a\0b", "/."])
def test_an_illegal_path_is_refused(storage: Storage, path: str) -> None:
    with pytest.raises(RefusedError) as caught:
        ContentWriter(storage).put_bytes(path, b"")

    assert caught.value.code == ErrorCode.PATH_ILLEGAL


def test_a_source_that_is_not_there_is_told(storage: Storage, tmp_path: Path) -> None:
    writer = ContentWriter(storage)

    for call in (writer.put_local, writer.put_folder):
        with pytest.raises(NotFoundError, match="nothing"):
            call("/a", tmp_path / "nothing")


def test_a_local_source_has_to_be_a_file(storage: Storage, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    for name in ("fifo", ""):
        with pytest.raises(RefusedError) as caught:
            ContentWriter(storage).put_local("/a", tmp_path / name)
        assert caught.value.code == ErrorCode.SOURCE_ILLEGAL


def test_a_link_given_as_source_is_followed(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    writer = ContentWriter(storage)

    writer.put_local("/a", tmp_path / "link")

    assert read(storage, finish(writer)["/a"]) == b"x"


def test_a_refused_folder_leaves_nothing_recorded(
    storage: Storage, store: MemoryStore, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(b"x")
    os.mkfifo(tmp_path / "z")
    writer = ContentWriter(storage)

    with pytest.raises(RefusedError, match=r"z cannot be stored: it is a FIFO"):
        writer.put_folder("/", tmp_path)

    assert finish(writer) == {}
    assert store.objects == {}


def test_progress_is_told_up_to_the_end(storage: Storage, tmp_path: Path) -> None:
    for number in range(600):
        (tmp_path / f"{number}").write_bytes(b"abc")
    told: list[tuple[int, int]] = []

    ContentWriter(storage).put_folder(
        "/", tmp_path, progress=lambda files, size: told.append((files, size))
    )

    assert told == [(512, 1536), (600, 1800)]


def test_a_reading_error_in_a_stream_comes_through(storage: Storage) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(errno.EIO, "broken")

    with pytest.raises(OSError, match="broken"), ContentWriter(storage) as writer:
        writer.put_stream("/a", Broken())


def store_all(storage: Storage, folder: Path) -> TreeRef:
    with ContentWriter(storage) as writer:
        writer.put_folder("/", folder)
        (rows,) = writer.finish()
    return build_tree(storage, rows)


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_a_fault_at_any_call_leaves_a_store_that_a_retry_completes(
    tmp_path: Path, fault: Fault
) -> None:
    for number in range(30):
        (tmp_path / f"{number}").write_bytes(b"%d" % number)
    (tmp_path / "large").write_bytes(LARGE)
    good = FaultyStore(MemoryStore())
    with Storage(good, clock=QuickClock()) as storage:
        expected = store_all(storage, tmp_path).logical

    for number in range(len(good.calls)):
        inner = MemoryStore()
        faulty = FaultyStore(inner, fail_at(number, fault))
        with (
            Storage(faulty, clock=QuickClock()) as storage,
            contextlib.suppress(PfsError, KilledError),
        ):
            assert store_all(storage, tmp_path).logical == expected
        with Storage(inner, clock=QuickClock()) as storage:
            tree = store_all(storage, tmp_path)
            assert tree.logical == expected
            for path, entry in base_rows(storage, tree).entries():
                assert read(storage, entry) == (tmp_path / path[1:]).read_bytes()


def test_a_batch_without_files_keeps_its_place(storage: Storage) -> None:
    writer = ContentWriter(storage)

    writer.begin_batch(b"1" * 16)
    writer.begin_batch(b"2" * 16)
    writer.put_bytes("/a", b"of the second")
    writer.begin_batch(b"3" * 16)

    assert [len(rows) for rows in writer.finish()] == [0, 1, 0]

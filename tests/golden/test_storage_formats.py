"""Where chunks end, how objects are named, what pages hold: frozen.

If one of these differs, every store written before becomes unreadable, or the same data gets
another identity and is stored, diffed and processed all over again. A change needs a new format
version.
"""

import io
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pfs_provider.storage.building import build_tree
from pfs_provider.storage.chunker import cut_stream
from pfs_provider.storage.compression import decompress
from pfs_provider.storage.content import ContentWriter
from pfs_provider.storage.deltas import Delta, read_delta, write_delta
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.keys import page_key
from pfs_provider.storage.listing import find_item, iter_entries
from pfs_provider.storage.pages import cut_index, cut_leaves
from pfs_provider.storage.reading import read_entry
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.storage.values import Chunked, Empty, Entry, InPack, parse_tree_ref

Golden = Callable[[str, bytes], None]
STORE = Path(__file__).parent / "storage" / "store.json"

CONTENT = {
    "/empty": b"",
    "/hello.txt": b"hello\n",
    "/noise.bin": random.Random(11).randbytes(200_000),
    "/text.txt": b"again and again\n" * 20_000,
    "/z/large.bin": random.Random(12).randbytes(6 << 20),
}


class StoppedClock:
    """Always says the same."""

    def now(self) -> datetime:
        return datetime(2024, 1, 2, 3, 4, 5, 678901, UTC)

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError


def as_json(value: object) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"


def test_chunks_of_a_large_file_end_where_they_did(golden: Golden) -> None:
    data = random.Random(10).randbytes(24 << 20)

    sizes = [len(chunk) for chunk in cut_stream(io.BytesIO(data))]

    golden("storage/chunk_sizes.json", as_json(sizes))


def test_pages_end_where_they_did(golden: Golden) -> None:
    paths = [f"/d{n // 900}/f{n:05d}.é".encode() for n in range(20_000)]

    ends = {
        "leaf": cut_leaves(paths, is_end=True),
        "index 1": cut_index(1, paths, is_end=True)[:20],
        "index 2": cut_index(2, paths, is_end=True)[:20],
    }

    golden("storage/page_ends.json", as_json(ends))


def test_identities_and_names_are_what_they_were(golden: Golden) -> None:
    with Storage(MemoryStore(), clock=StoppedClock()) as storage:
        writer = ContentWriter(storage)
        for path, data in CONTENT.items():
            writer.put_bytes(path, data, executable=path == "/hello.txt")
        (rows,) = writer.finish()
        tree = build_tree(storage, rows)
        folder = find_item(storage, tree, "/z")

    assert folder is not None
    found = {
        "digests": {path: entry.digest.hex() for path, entry in rows.entries()},
        "tree": tree.logical.hex(),
        "folder": folder.digest.hex(),
    }
    golden("storage/identities.json", as_json(found))


def test_the_bytes_inside_a_page_are_what_they_were(golden: Golden) -> None:
    # The compressed body may differ between versions of zstd; what it holds may not.
    place = InPack(pack=b"p" * 32, offset=5, stored_size=100, inner_offset=7, compressed=True)
    entries = {
        "/a": Entry(digest=b"a" * 32, size=6, place=place, executable=True),
        "/b": Entry(digest=b"b" * 32, size=2**33, place=Chunked(), datum=b"d" * 16),
        "/c": Entry(digest=b"c" * 32, size=0, place=Empty(), modified=StoppedClock().now()),
    }
    store = MemoryStore()

    with Storage(store, clock=StoppedClock()) as storage:
        tree = build_tree(storage, Rows.from_entries(entries.items()))

    data = store.objects[page_key(tree.physical)]
    length = int.from_bytes(data[5:9], "little")
    golden("storage/leaf_header.bin", data[:5])
    golden("storage/leaf_body.msgpack", decompress(data[9 : 9 + length]))
    golden("storage/leaf_tail.bin", data[9 + length :])


def test_a_store_of_version_1_stays_readable(golden: Golden) -> None:
    if not STORE.exists():
        golden("storage/store.json", as_json(_write_store()))
    saved = json.loads(STORE.read_bytes())
    store = MemoryStore()
    store.objects = {key: bytes.fromhex(text) for key, text in saved["objects"].items()}

    with Storage(store, clock=StoppedClock()) as storage:
        delta = read_delta(storage, saved["delta"])
        tree = parse_tree_ref(saved["tree"])
        found = {p: b"".join(read_entry(storage, e)) for p, e in iter_entries(storage, tree)}

    assert found == _small_content()
    assert delta.deletes == ("/gone",)
    assert [path for path, _ in delta.rows.entries()] == list(_small_content())


def _small_content() -> dict[str, bytes]:
    return {
        "/empty": b"",
        "/hello.txt": b"hello\n",
        "/text.txt": b"again and again\n" * 20_000,
        "/z/large.bin": bytes(3 << 20),
    }


def _write_store() -> dict[str, object]:
    store = MemoryStore()
    with Storage(store, clock=StoppedClock()) as storage:
        writer = ContentWriter(storage)
        for path, data in _small_content().items():
            writer.put_bytes(path, data)
        (rows,) = writer.finish()
        delta = write_delta(storage, Delta(("/gone",), rows))
        tree = build_tree(storage, rows)
    objects = {key: data.hex() for key, data in sorted(store.objects.items())}
    return {"tree": tree.text, "delta": delta, "objects": objects}

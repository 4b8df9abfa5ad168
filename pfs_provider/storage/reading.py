"""The bytes of a file, checked: whole, in part, or as a seekable stream.

Invariants: a small file is checked against its digest before its first byte is handed out, a large
one chunk by chunk; memory does not grow with the file. Must not know: trees, paths, local files.
"""

import io
from collections.abc import Iterator
from typing import BinaryIO, cast

from pfs_provider.errors import CorruptDataError, ErrorCode, NotFoundError
from pfs_provider.storage.compression import ZstdError, decompress
from pfs_provider.storage.digests import digest_bytes
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.keys import pack_key
from pfs_provider.storage.large_files import Manifest, read_chunk, read_chunks, read_manifest
from pfs_provider.storage.values import Chunked, Empty, Entry, InPack

__all__ = ["check_digest", "corrupt_file", "open_entry", "read_entry"]

_BUFFER = 1 << 20


def read_entry(
    storage: Storage, entry: Entry, *, start: int = 0, stop: int | None = None
) -> Iterator[bytes]:
    """Yield the bytes ``start <= i < stop`` of a file, in order, never an empty block.

    Args:
        storage: Where it lies.
        entry: The file.
        start: First byte, from 0. At or past the end yields nothing.
        stop: One past the last byte; None means to the end.

    Raises:
        CorruptDataError: ``chunk-corrupt``: stored bytes are missing or others. What was yielded
            before is good; the rest must not be used.
    """
    end = entry.size if stop is None else min(stop, entry.size)
    if start >= end:
        return
    if isinstance(entry.place, Chunked):
        yield from read_chunks(storage, _manifest(storage, entry), start, end)
        return
    yield _read_small(storage, entry)[start:end]


def open_entry(storage: Storage, entry: Entry) -> BinaryIO:
    """Return a file as a seekable, buffered binary stream; reading raises as `read_entry`."""
    if not isinstance(entry.place, Chunked):
        return io.BytesIO(_read_small(storage, entry))
    raw = _ChunkedFile(storage, _manifest(storage, entry))
    return cast("BinaryIO", io.BufferedReader(raw, _BUFFER))


def check_digest(entry_digest: bytes, data: bytes | memoryview, what: str) -> None:
    """Raise CorruptDataError ``chunk-corrupt`` if the data has another digest."""
    if digest_bytes(data) != entry_digest:
        raise corrupt_file(what, "its stored bytes are not those that were written")


def corrupt_file(what: str, why: str) -> CorruptDataError:
    """Return the error that names a file whose bytes cannot be had."""
    return CorruptDataError(
        ErrorCode.CHUNK_CORRUPT,
        f"{what} is damaged: {why}; run `pfs fsck` and restore the store from a copy",
        file=what,
    )


def _manifest(storage: Storage, entry: Entry) -> Manifest:
    manifest = read_manifest(storage, entry.digest)
    if manifest.size != entry.size:
        raise corrupt_file(f"file {entry.digest.hex()}", "its chunks have another size")
    return manifest


def _read_small(storage: Storage, entry: Entry) -> bytes:
    match entry.place:
        case InPack() as place:
            data = _read_packed(storage, place, entry)
        case Empty() | Chunked():
            data = b""
    check_digest(entry.digest, data, f"file {entry.digest.hex()}")
    return data


def _read_packed(storage: Storage, place: InPack, entry: Entry) -> bytes:
    what = f"file {entry.digest.hex()}"
    name = place.pack + place.offset.to_bytes(4, "little")
    if place.compressed:
        known = storage.cache.find(name)
        if isinstance(known, bytes):
            return known[place.inner_offset : place.inner_offset + entry.size]
    try:
        stop = place.offset + place.stored_size
        block = storage.get(pack_key(place.pack), start=place.offset, stop=stop)
    except NotFoundError as error:
        raise corrupt_file(what, f"pack {place.pack.hex()} is missing") from error
    if place.compressed:
        try:
            block = decompress(block)
        except ZstdError as error:
            raise corrupt_file(what, f"pack {place.pack.hex()} cannot be decompressed") from error
        storage.cache.put(name, block, len(block))
    return block[place.inner_offset : place.inner_offset + entry.size]


class _ChunkedFile(io.RawIOBase):
    """A large file; holds one chunk at a time."""

    def __init__(self, storage: Storage, manifest: Manifest) -> None:
        self._storage = storage
        self._manifest = manifest
        self._at = 0
        self._chunk = memoryview(b"")
        self._begin = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._manifest.size}
        target = origin[whence] + offset
        if target < 0:
            raise ValueError(f"cannot seek before the file's first byte: {target}")
        self._at = target
        return target

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # narrower
        if self._at >= self._manifest.size:
            return 0
        if not self._begin <= self._at < self._begin + len(self._chunk):
            self._load()
        skip = self._at - self._begin
        block = self._chunk[skip : skip + len(buffer)]
        buffer[: len(block)] = block
        self._at += len(block)
        return len(block)

    def _load(self) -> None:
        starts = self._manifest.starts
        number = self._manifest.find_chunk(self._at)
        self._chunk = memoryview(read_chunk(self._storage, self._manifest.digests[number]))
        self._begin = starts[number]

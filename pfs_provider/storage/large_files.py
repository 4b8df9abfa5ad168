"""Large files: chunks as objects, and a manifest that lists them under the file's digest.

Invariants: a chunk's name is the BLAKE3 of its raw bytes, a file's digest that of its chunk list,
so both are checked on every read. Chunks are stored before the manifest that names them.
Must not know: paths, trees.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from pfs_provider.errors import CorruptDataError, ErrorCode, NotFoundError
from pfs_provider.storage.compression import ZstdError, compress_if_smaller, decompress
from pfs_provider.storage.digests import digest_bytes, digest_chunks
from pfs_provider.storage.formats import Kind, pack_record, pack_u32, unpack_record, unpack_u32
from pfs_provider.storage.handle import POOL_SIZE, Storage
from pfs_provider.storage.keys import chunk_key, manifest_key

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Manifest", "put_chunks", "read_chunk", "read_chunks", "read_manifest"]

_RAW, _ZSTD = b"\0", b"\1"
_READ_AHEAD = 4
"""Chunks fetched before they are asked for."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The chunks of one large file: digests, and where each begins; the last start is the size."""

    digests: list[bytes]
    starts: list[int]

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.starts[-1]

    def find_chunk(self, offset: int) -> int:
        """Return the number of the chunk that holds the byte at an offset."""
        return bisect_right(self.starts, offset) - 1


def put_chunks(storage: Storage, chunks: Iterable[bytes]) -> tuple[bytes, int]:
    """Store a large file's chunks and manifest; return its digest and size.

    At most `POOL_SIZE` chunks are in memory. Idempotent: chunks that are there are not sent again.
    """
    waiting: deque[Future[bytes]] = deque()
    digests: list[bytes] = []
    sizes: list[int] = []
    try:
        for chunk in chunks:
            sizes.append(len(chunk))
            waiting.append(storage.pool.submit(_put_chunk, storage, chunk))
            if len(waiting) >= POOL_SIZE:
                digests.append(waiting.popleft().result())
        digests += [future.result() for future in waiting]
    finally:
        for future in waiting:
            future.cancel()
    packed = pack_u32(sizes)
    joined = b"".join(digests)
    digest = digest_chunks(joined, packed)
    storage.put(manifest_key(digest), pack_record(Kind.MANIFEST, (len(sizes), packed), joined))
    return digest, sum(sizes)


def _put_chunk(storage: Storage, chunk: bytes) -> bytes:
    digest = digest_bytes(chunk)
    key = chunk_key(digest)
    if not storage.has(key):  # asking is cheaper than sending
        small = compress_if_smaller(chunk)
        storage.put(key, _RAW + chunk if small is None else _ZSTD + small)
    return digest


def read_manifest(storage: Storage, digest: bytes) -> Manifest:
    """Return the chunks of a large file.

    Raises:
        CorruptDataError: ``chunk-corrupt``: it is missing, or does not match the file's digest.
    """
    found = storage.cache.find(digest)
    if isinstance(found, Manifest):
        return found
    try:
        data = storage.get(manifest_key(digest))
        fields, joined = unpack_record(Kind.MANIFEST, data, ErrorCode.CHUNK_CORRUPT)
        if len(fields) != 2 or not isinstance(fields[1], bytes):  # noqa: PLR2004  # count and sizes
            raise _corrupt("manifest", digest, "has other fields than this version knows")
    except NotFoundError as error:
        raise _corrupt("manifest", digest, "is missing") from error
    if digest_chunks(joined, fields[1]) != digest:
        raise _corrupt("manifest", digest, "does not match its name")
    digests = [joined[at : at + 32] for at in range(0, len(joined), 32)]
    manifest = Manifest(digests, [0, *accumulate(unpack_u32(fields[1]))])
    storage.cache.put(digest, manifest, 3 * len(data))
    return manifest


def read_chunk(storage: Storage, digest: bytes) -> bytes:
    """Return a chunk's bytes, checked. Raises CorruptDataError ``chunk-corrupt``."""
    try:
        stored = storage.get(chunk_key(digest))
    except NotFoundError as error:
        raise _corrupt("chunk", digest, "is missing") from error
    try:
        chunk = decompress(stored[1:]) if stored[:1] == _ZSTD else stored[1:]
    except ZstdError as error:
        raise _corrupt("chunk", digest, "cannot be decompressed") from error
    if digest_bytes(chunk) != digest:
        raise _corrupt("chunk", digest, "holds other bytes than were written")
    return chunk


def read_chunks(storage: Storage, manifest: Manifest, start: int, stop: int) -> Iterator[bytes]:
    """Yield the bytes ``start <= i < stop``, chunk by chunk, a few fetched ahead."""
    first = manifest.find_chunk(start)
    waiting: deque[tuple[int, Future[bytes]]] = deque()
    wanted = iter(range(first, len(manifest.digests)))
    try:
        while True:
            while len(waiting) < _READ_AHEAD:
                at = next(wanted, None)
                if at is None or manifest.starts[at] >= stop:
                    break
                future = storage.pool.submit(read_chunk, storage, manifest.digests[at])
                waiting.append((at, future))
            if not waiting:
                return
            at, future = waiting.popleft()
            begin = manifest.starts[at]
            block = future.result()[max(0, start - begin) : stop - begin]
            if block:
                yield block
    finally:
        for _, future in waiting:
            future.cancel()


def _corrupt(kind: str, digest: bytes, what: str) -> CorruptDataError:
    name = digest.hex()
    return CorruptDataError(
        ErrorCode.CHUNK_CORRUPT,
        f"{kind} {name} {what}: run `pfs fsck` and restore the store from a copy",
        digest=name,
    )

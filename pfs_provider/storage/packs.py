"""Packs: one object that holds many small files, in blocks that are compressed where it pays.

Invariants: which files share a pack and where it ends is decided by their content and order alone,
so the same files make the same packs, by any number of processes. A pack's name covers its members
and its block table; packs of one name are interchangeable. Footers make packs readable without a
tree.
Must not know: paths, trees.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from pfs_provider.storage.compression import compress, compress_if_smaller
from pfs_provider.storage.digests import digest_pack
from pfs_provider.storage.formats import pack_u32
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.keys import pack_key
from pfs_provider.storage.rows import RAW_PLACE, ZSTD_PLACE

__all__ = ["PACK_CAPACITY", "PackedFiles", "is_pack_end", "put_pack"]

PACK_MIN = 8 << 20
PACK_MAX = 16 << 20
"""Bytes of content. A pack ends between the two where a digest says so, at the latest here."""

PACK_CAPACITY = PACK_MAX + (1 << 20)
"""Bytes. The file that crosses `PACK_MAX` still goes in; it is below 1 MiB."""

_END_EVERY = 4 << 20
"""Bytes between two natural ends, on average, once a pack has reached `PACK_MIN`."""

BLOCK = 128 << 10
"""Bytes of content from which on a block ends: what is decompressed to read one small file."""

_HEADER = b"PFSP\1"


@dataclass(frozen=True, slots=True)
class PackedFiles:
    """Where the members of a pack are: its name, and one cell a member of two columns."""

    pack: bytes
    spots: list[bytes]
    places: list[int]


def is_pack_end(fill: int, digest: bytes, size: int) -> bool:
    """Return whether a pack of ``fill`` bytes ends behind its last file, given by its content."""
    if fill < PACK_MIN:
        return False
    return fill >= PACK_MAX or int.from_bytes(digest[:4], "little") * _END_EVERY < size << 32


def put_pack(
    storage: Storage, content: memoryview, digests: Sequence[bytes], sizes: Sequence[int]
) -> PackedFiles:
    """Store files that lie one after another in ``content`` as one pack. Idempotent."""
    parts: list[bytes | memoryview] = [_HEADER]
    spots: list[bytes] = []
    places: list[int] = []
    table: list[int] = []
    offset, begin, first, end = len(_HEADER), 0, 0, 0
    for number, size in enumerate(sizes):
        end += size
        if end - begin < BLOCK and number + 1 < len(sizes):
            continue
        block = content[begin:end]
        small = compress_if_smaller(block)
        part = block if small is None else small
        spots += _spots(sizes[first : number + 1], offset, len(part), is_raw=small is None)
        places += [RAW_PLACE if small is None else ZSTD_PLACE] * (number + 1 - first)
        parts.append(part)
        table += (end - begin, len(part))
        offset += len(part)
        begin, first = end, number + 1
    joined, lengths, blocks = b"".join(digests), pack_u32(list(sizes)), pack_u32(table)
    name = digest_pack(joined, lengths, blocks)
    key = pack_key(name)
    if not storage.has(key):  # asking is cheaper than sending
        footer = compress(msgspec.msgpack.encode((joined, lengths, blocks)))
        parts += (footer, len(footer).to_bytes(4, "little"))
        storage.put(key, b"".join(parts))
    return PackedFiles(name, spots, places)


def _spots(sizes: Sequence[int], offset: int, stored: int, *, is_raw: bool) -> list[bytes]:
    # A cell is offset, stored size and inner offset, u32 LE each: three numbers a file.
    numbers: list[int] = []
    inner = 0
    for size in sizes:
        numbers += (offset + inner, size, 0) if is_raw else (offset, stored, inner)
        inner += size
    cells = pack_u32(numbers)
    return [cells[at : at + 12] for at in range(0, len(cells), 12)]

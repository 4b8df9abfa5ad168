"""Tree pages: leaves hold rows, index pages hold children; both end where a hash of a path says.

Invariants: pages are immutable, named by the BLAKE3 of their bytes (``physical``); a page's
identity (``logical``) covers paths, digests, sizes and executable bits alone. Where a page ends
depends on the paths since the last end only, so cutting may start at any page's start and gives the
same pages. A page is checked against its name on every read from the store.
Must not know: edits, listing.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from pfs_provider.errors import CorruptDataError, ErrorCode, NotFoundError
from pfs_provider.storage.digests import digest_bytes, digest_index, digest_leaf
from pfs_provider.storage.formats import (
    Kind,
    pack_record,
    pack_u64,
    unpack_record,
    unpack_u64,
)
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.keys import page_key
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.values import DIGEST_SIZE

__all__ = [
    "Index",
    "PageRef",
    "cut_index",
    "cut_leaves",
    "put_index",
    "put_leaf",
    "read_page",
]

LEAF_MASK = 511
"""A leaf ends after a path whose CRC32 has these bits clear: 512 rows on average."""

LEAF_MAX = 4096
"""Rows. A leaf ends here at the latest, whatever the paths are."""

INDEX_MASK = 127
"""An index page ends after 128 children on average."""

INDEX_MAX = 1024
"""Children of an index page at most."""

_MEMORY_FACTOR = 3
"""What a decoded page takes in memory, in units of its stored bytes; a guess for the cache."""


@dataclass(frozen=True, slots=True)
class PageRef:
    """Names a page: its last path, identity, object, and what lies below it."""

    last: bytes
    logical: bytes
    physical: bytes
    n_files: int
    size: int


@dataclass(frozen=True, slots=True)
class Index:
    """An index page. ``level`` is 1 above the leaves; ``lasts`` are the children's last paths."""

    level: int
    children: list[PageRef]
    lasts: list[bytes]


def cut_leaves(paths: Sequence[bytes], *, is_end: bool) -> list[int]:
    """Return where leaves end among paths that begin at a leaf's start.

    Args:
        paths: Ascending; the first one begins a leaf.
        is_end: No path follows, so the rest is a leaf too; else the rest stays uncut.
    """
    crc32 = zlib.crc32
    natural = [row + 1 for row, path in enumerate(paths) if not crc32(path) & LEAF_MASK]
    return _bounded(natural, len(paths), LEAF_MAX, is_end=is_end)


def cut_index(level: int, lasts: Sequence[bytes], *, is_end: bool) -> list[int]:
    """Return where index pages of a level end among children that begin at a page's start."""
    natural = [row + 1 for row, last in enumerate(lasts) if _ends_index(level, last)]
    return _bounded(natural, len(lasts), INDEX_MAX, is_end=is_end)


def _ends_index(level: int, last: bytes) -> bool:
    # Bits of another hash than the leaves': all of these paths have the same low bits of CRC32.
    at = 2 * (level - 1) % DIGEST_SIZE
    return not int.from_bytes(digest_bytes(last)[at : at + 2], "little") & INDEX_MASK


def _bounded(natural: list[int], n_rows: int, most: int, *, is_end: bool) -> list[int]:
    ends: list[int] = []
    last = 0
    for end in natural:
        while end - last > most:
            last += most
            ends.append(last)
        ends.append(end)
        last = end
    while n_rows - last >= most:
        last += most
        ends.append(last)
    if is_end and n_rows > last:
        ends.append(n_rows)
    return ends


def put_leaf(storage: Storage, rows: Rows) -> PageRef:
    """Store rows as one leaf and return its name."""
    joined = b"\0".join(rows.paths)
    data = pack_record(Kind.LEAF, rows.fields(), rows.digests)
    logical = digest_leaf(joined, rows.digests, rows.sizes, rows.executable)
    return _put(storage, data, PageRef(rows.paths[-1], logical, b"", len(rows), rows.total_size))


def put_index(storage: Storage, level: int, children: Sequence[PageRef]) -> PageRef:
    """Store children as one index page and return its name."""
    fields = (
        level,
        b"\0".join(child.last for child in children),
        pack_u64([child.n_files for child in children]),
        pack_u64([child.size for child in children]),
    )
    tail = b"".join(child.logical + child.physical for child in children)
    logical = digest_index(level, (child.logical for child in children))
    n_files = sum(child.n_files for child in children)
    size = sum(child.size for child in children)
    ref = PageRef(children[-1].last, logical, b"", n_files, size)
    return _put(storage, pack_record(Kind.INDEX, fields, tail), ref)


def _put(storage: Storage, data: bytes, ref: PageRef) -> PageRef:
    physical = digest_bytes(data)
    storage.put(page_key(physical), data)
    return PageRef(ref.last, ref.logical, physical, ref.n_files, ref.size)


def read_page(storage: Storage, physical: bytes) -> Rows | Index:
    """Return a page, from memory if it was read lately.

    Raises:
        CorruptDataError: ``page-corrupt``: it is missing, or holds other bytes than were written.
    """
    found = storage.cache.find(physical)
    if isinstance(found, Rows | Index):
        return found
    try:
        data = storage.get(page_key(physical))
    except NotFoundError as error:
        raise _corrupt(physical, "is missing") from error
    if digest_bytes(data) != physical:
        raise _corrupt(physical, "holds other bytes than were written")
    page = _decode(data)
    storage.cache.put(physical, page, _MEMORY_FACTOR * len(data))
    return page


def _decode(data: bytes) -> Rows | Index:
    if data[3:4] == Kind.LEAF.value:
        fields, digests = unpack_record(Kind.LEAF, data, ErrorCode.PAGE_CORRUPT)
        return Rows.from_fields(fields, digests, ErrorCode.PAGE_CORRUPT)
    fields, tail = unpack_record(Kind.INDEX, data, ErrorCode.PAGE_CORRUPT)
    try:
        return _decode_index(fields, tail)
    except (TypeError, ValueError, AttributeError) as error:
        raise CorruptDataError(
            ErrorCode.PAGE_CORRUPT, f"an index page cannot be decoded: {error}"
        ) from error


def _decode_index(fields: list[object], tail: bytes) -> Index:
    level, joined, counts, sizes = fields
    if not isinstance(level, int) or not all(isinstance(f, bytes) for f in fields[1:]):
        raise TypeError("fields of other types")
    lasts = joined.split(b"\0")  # type: ignore[attr-defined]  # bytes, checked above
    width = 2 * DIGEST_SIZE
    digests = [
        (tail[at : at + DIGEST_SIZE], tail[at + DIGEST_SIZE : at + width])
        for at in range(0, len(tail), width)
    ]
    columns = zip(lasts, digests, unpack_u64(counts), unpack_u64(sizes), strict=True)  # type: ignore[arg-type]  # bytes, checked above
    children = [
        PageRef(last, logical, physical, n_files, size)
        for last, (logical, physical), n_files, size in columns
    ]
    return Index(level, children, lasts)


def _corrupt(physical: bytes, what: str) -> CorruptDataError:
    name = physical.hex()
    return CorruptDataError(
        ErrorCode.PAGE_CORRUPT,
        f"tree page {name} {what}: run `pfs fsck` and restore the store from a copy",
        page=name,
    )

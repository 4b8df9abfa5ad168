"""The digest that a local file would have here, without storing it.

Invariants: it is what `ContentWriter` gives for the same bytes; memory does not grow with the file.
Must not know: stores, paths inside trees.
"""

from pathlib import Path

from pfs_provider.storage.chunker import LARGE_FILE, cut_stream
from pfs_provider.storage.digests import digest_bytes, digest_chunks
from pfs_provider.storage.formats import pack_u32

__all__ = ["digest_local"]


def digest_local(source: Path) -> bytes:
    """Return a local file's digest. Raises OSError."""
    with source.open("rb", buffering=0) as stream:
        if source.stat().st_size < LARGE_FILE:
            return digest_bytes(stream.read())
        digests: list[bytes] = []
        sizes: list[int] = []
        for chunk in cut_stream(stream):
            digests.append(digest_bytes(chunk))
            sizes.append(len(chunk))
        return digest_chunks(b"".join(digests), pack_u32(sizes))

"""Every digest of this room: BLAKE3, with a domain tag wherever it is not over plain bytes.

Invariant: the tags and layouts below are frozen; changing one changes the identity of all data
(docs/internals/formats.md). Must not know: stores, pages as objects.
"""

from collections.abc import Iterable

from blake3 import blake3

__all__ = [
    "FolderHasher",
    "digest_bytes",
    "digest_chunks",
    "digest_index",
    "digest_leaf",
    "digest_pack",
]

_CHUNKED = b"pfs.file.chunked.1\0"
_LEAF = b"pfs.tree.leaf.1\0"
_INDEX = b"pfs.tree.index.1\0"
_FOLDER = b"pfs.tree.folder.1\0"
_PACK = b"pfs.pack.1\0"


def digest_bytes(data: bytes | bytearray | memoryview) -> bytes:
    """Return the BLAKE3 of the bytes: a small file's digest, a chunk's and a page's name."""
    return blake3(data).digest()


def digest_chunks(digests: bytes, sizes: bytes) -> bytes:
    """Return a large file's digest from its chunks' digests (32 bytes each) and sizes (u32 LE)."""
    return blake3(_CHUNKED + digests + sizes).digest()


def digest_pack(digests: bytes, sizes: bytes, blocks: bytes) -> bytes:
    """Return a pack's name: its members by content, and where its blocks lie.

    The block table is part of the name since another version of the compressor may cut the same
    members into blocks of other lengths; packs with one name are then interchangeable.
    """
    header = len(sizes).to_bytes(8, "little") + len(blocks).to_bytes(8, "little")
    return blake3(_PACK + header + digests + sizes + blocks).digest()


def digest_leaf(paths: bytes, digests: bytes, sizes: bytes, executable: bytes) -> bytes:
    """Return a leaf page's identity. ``paths`` are joined by NUL, ``executable`` a byte a row."""
    header = len(executable).to_bytes(8, "little") + len(paths).to_bytes(8, "little")
    return blake3(b"".join((_LEAF, header, paths, digests, sizes, executable))).digest()


def digest_index(level: int, children: Iterable[bytes]) -> bytes:
    """Return an index page's identity from its children's identities, in order."""
    return blake3(_INDEX + bytes([level]) + b"".join(children)).digest()


class FolderHasher:
    """Folds runs of rows of one folder, in path order, into the folder's digest."""

    def __init__(self) -> None:
        self._paths = blake3()
        self._digests = blake3()
        self._executable = blake3()
        self.n_files = 0
        self.size = 0

    def update(self, *, paths: bytes, digests: bytes, executable: bytes, size: int) -> None:
        """Add rows. ``paths`` are relative to the folder, each ended by NUL."""
        self._paths.update(paths)
        self._digests.update(digests)
        self._executable.update(executable)
        self.n_files += len(executable)
        self.size += size

    def digest(self) -> bytes:
        """Return the digest of all rows added."""
        parts = (self._paths, self._digests, self._executable)
        count = self.n_files.to_bytes(8, "little")
        return blake3(_FOLDER + count + b"".join(p.digest() for p in parts)).digest()

"""The values of this room: where bytes lie, what a file is, what names a tree.

Invariants: digests are 32 bytes, sizes are bytes, times are aware UTC. A tree's identity is its
``logical`` digest; ``physical`` names the object that holds its root page.
Must not know: stores, formats on disk.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from pfs_provider.errors import ErrorCode, RefusedError

__all__ = [
    "DIGEST_SIZE",
    "EMPTY_TREE",
    "Change",
    "Chunked",
    "Empty",
    "Entry",
    "InPack",
    "Place",
    "TreeItem",
    "TreeRef",
    "parse_tree_ref",
]

DIGEST_SIZE = 32
"""Bytes of a BLAKE3 digest, as used everywhere here."""

_FIELDS = 5
_VERSION = "t1"


@dataclass(frozen=True, slots=True, kw_only=True)
class InPack:
    """A small file inside a pack.

    ``offset`` and ``stored_size`` cut the block out of the pack object; where ``compressed``, the
    file begins at ``inner_offset`` of the decompressed block, else of the block itself.
    """

    pack: bytes
    offset: int
    stored_size: int
    inner_offset: int
    compressed: bool


@dataclass(frozen=True, slots=True)
class Chunked:
    """A large file: a manifest named by the file's digest lists its chunks."""


@dataclass(frozen=True, slots=True)
class Empty:
    """A file without bytes; nothing is stored for it."""


Place: TypeAlias = InPack | Chunked | Empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file. ``datum`` is the id (16 bytes) of the datum that made it, None for a user's."""

    digest: bytes
    size: int
    place: Place
    modified: datetime | None = None
    datum: bytes | None = None
    executable: bool = False

    def is_same_content(self, other: "Entry") -> bool:
        """Return whether both are one file to a reader: bytes and executable bit."""
        return (self.digest, self.size, self.executable) == (
            other.digest,
            other.size,
            other.executable,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRef:
    """Names one tree.

    ``logical`` is its identity (paths, digests, sizes, executable bits), whatever way it was
    written; ``physical`` is the BLAKE3 of the root page's bytes and names its object.
    """

    logical: bytes
    physical: bytes
    n_files: int
    size: int

    @property
    def text(self) -> str:
        """One word that `parse_tree_ref` turns back."""
        return f"{_VERSION}.{self.logical.hex()}.{self.physical.hex()}.{self.n_files}.{self.size}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeItem:
    """A file or a directory of a tree; a directory's path has no trailing slash here.

    A directory's ``digest`` covers the relative paths, digests and executable bits of all files
    below it, so it moves with the subtree. ``entry`` is None for a directory.
    """

    path: str
    is_dir: bool
    size: int
    digest: bytes
    n_files: int
    entry: Entry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One path that differs. ``old`` is None where it was added, ``new`` where it was deleted."""

    path: str
    old: Entry | None
    new: Entry | None


# The empty tree has no page: its physical name is all zeros, its identity a constant of the format.
EMPTY_TREE = TreeRef(
    logical=bytes.fromhex("5092d130fe212b0cb18e895fd9ffe3d6919df2498003f55856d9027354e1cd25"),
    physical=bytes(DIGEST_SIZE),
    n_files=0,
    size=0,
)


def parse_tree_ref(text: str) -> TreeRef:
    """Return the tree that ``TreeRef.text`` wrote.

    Raises:
        RefusedError: ``id-illegal``: the text was not written by ``TreeRef.text``.
    """
    parts = text.split(".")
    try:
        if len(parts) != _FIELDS or parts[0] != _VERSION:
            raise ValueError(text)
        tree = TreeRef(
            logical=bytes.fromhex(parts[1]),
            physical=bytes.fromhex(parts[2]),
            n_files=int(parts[3]),
            size=int(parts[4]),
        )
        if len(tree.logical) != DIGEST_SIZE or len(tree.physical) != DIGEST_SIZE:
            raise ValueError(text)
    except ValueError:
        raise RefusedError(
            ErrorCode.ID_ILLEGAL, f"{text!r} does not name a tree", tree=text
        ) from None
    return tree

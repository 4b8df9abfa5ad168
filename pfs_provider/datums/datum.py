"""A datum: the files that user code sees together, a piece for each input file or folder.

Invariants: pieces are sorted by input, branch and path, so that the order of inputs in a spec makes
no difference; no two pieces of a datum are the same. Must not know: trees, stores, jobs.
"""

from dataclasses import dataclass
from operator import attrgetter
from typing import Protocol

from pfs_provider.refs.names import BranchKey, RepoKey
from pfs_provider.spec.model import PfsInput

__all__ = ["Datum", "Item", "Piece", "PieceSource", "make_datum"]


class Item(Protocol):
    """A file or folder of a commit, as a lookup gives it."""

    @property
    def path(self) -> str:
        """Absolute; a folder without a trailing slash."""

    @property
    def is_dir(self) -> bool:
        """Whether it is a folder."""

    @property
    def digest(self) -> bytes:
        """Of the content, or of all below the folder."""

    @property
    def size(self) -> int:
        """Bytes, of all below the folder."""


@dataclass(frozen=True, slots=True)
class PieceSource:
    """What all pieces of one input have in common.

    ``tag`` is the part of a datum's id that does not depend on the path.
    """

    input: str
    branch: BranchKey
    lazy: bool
    empty_files: bool
    s3: bool
    reference: bool
    tag: bytes

    @classmethod
    def of(cls, node: PfsInput) -> "PieceSource":
        """Return what the pieces of an input have in common."""
        names = (node.name, node.project, node.repo, node.branch)
        return cls(
            input=node.name,
            branch=node.branch_key,
            lazy=node.lazy,
            empty_files=node.empty_files,
            s3=node.s3,
            reference=node.reference,
            # Names hold no NUL, so the join cannot be read in two ways.
            tag="\0".join(names).encode() + b"\0",
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """One file or folder of one input. ``join_on`` and ``group_by`` are keys, None without one."""

    source: PieceSource
    path: str
    is_dir: bool
    digest: bytes
    size: int
    join_on: str | None = None
    group_by: str | None = None

    @property
    def input(self) -> str:
        """Name of the input: the folder below ``/pfs``."""
        return self.source.input

    @property
    def branch(self) -> BranchKey:
        """The branch it was read from."""
        return self.source.branch

    @property
    def repo(self) -> RepoKey:
        """The repo it was read from."""
        return self.source.branch.repo

    @property
    def lazy(self) -> bool:
        """Files are fetched when they are opened."""
        return self.source.lazy

    @property
    def empty_files(self) -> bool:
        """Files are empty for the code."""
        return self.source.empty_files

    @property
    def s3(self) -> bool:
        """There is a bucket instead of files."""
        return self.source.s3

    @property
    def reference(self) -> bool:
        """A change of its content does not change the datum's key."""
        return self.source.reference


@dataclass(frozen=True, slots=True)
class Datum:
    """One unit of work. Made by ``make_datum``."""

    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        """Bytes of all pieces."""
        return sum(piece.size for piece in self.pieces)


_ORDER = attrgetter("source.tag", "path")


def make_datum(pieces: tuple[Piece, ...]) -> Datum:
    """Return the datum of some pieces, in their order; the same piece twice counts once."""
    if len(pieces) == 1:
        return Datum(pieces)
    unique = {_ORDER(piece): piece for piece in reversed(pieces)}
    return Datum(tuple(unique[key] for key in sorted(unique)))

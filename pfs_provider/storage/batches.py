"""Files of one batch while they are written, and the places they will get.

Invariant: a place is a number: members of packs count from 0, all else from -1 downwards, so that
one list per column answers both. Must not know: how bytes are stored.
"""

from collections.abc import Sequence
from datetime import datetime
from operator import lt

from pfs_provider.storage.formats import pack_u64
from pfs_provider.storage.packer import Packer
from pfs_provider.storage.rows import (
    CHUNKED_PLACE,
    EMPTY_PLACE,
    HAS_MODIFIED,
    PLACE_MASK,
    Rows,
    make_flags,
    pack_modified,
)

__all__ = ["Batch", "PlaceTable"]


class PlaceTable:
    """The cells of all places by number; complete after `fill`."""

    def __init__(self) -> None:
        nothing = bytes(32), bytes(12), None
        self._extra: list[tuple[int, bytes, bytes, bytes | None]] = [
            (EMPTY_PLACE, *nothing),
            (CHUNKED_PLACE, *nothing),
        ]
        self.empty, self.chunked = -1, -2
        self.places: list[int] = []
        self.packs: list[bytes] = []
        self.spots: list[bytes] = []
        self.modified: list[bytes | None] = []

    def add(self, row: Rows) -> int:
        """Return the number of the place (and the time) that another tree's row has."""
        kept = row.modified if row.flags[0] & HAS_MODIFIED else None
        self._extra.append((row.flags[0] & PLACE_MASK, row.packs, row.spots, kept))
        return -len(self._extra)

    @property
    def has_times(self) -> bool:
        """Whether some files keep an older time."""
        return len(self._extra) > 2  # noqa: PLR2004  # empty and chunked

    def fill(self, packer: Packer) -> None:
        """Take the places that the packer gave."""
        extra = self._extra[::-1]
        self.places = packer.places + [cell[0] for cell in extra]
        self.packs = packer.packs + [cell[1] for cell in extra]
        self.spots = packer.spots + [cell[2] for cell in extra]
        self.modified = [*[None] * len(packer.spots), *(cell[3] for cell in extra)]


class Batch:
    """Columns in the order of the puts."""

    def __init__(self, datum: bytes | None) -> None:
        self._datum = datum
        self.paths: list[bytes] = []
        self._digests: list[bytes] = []
        self._sizes: list[int] = []
        self._executable = bytearray()
        self._members: list[int] = []

    def add(
        self,
        paths: Sequence[bytes],
        digests: Sequence[bytes],
        sizes: Sequence[int],
        executable: bytes | bytearray,
        members: Sequence[int],
    ) -> None:
        """Add files by their columns."""
        self.paths += paths
        self._digests += digests
        self._sizes += sizes
        self._executable += executable
        self._members += members

    def to_rows(self, table: PlaceTable, now: datetime) -> Rows:
        """Return the files sorted by path, the last put of each; they were modified now."""
        self._sort()
        members = self._members
        common = make_flags(0, executable=False, datum=self._datum is not None, modified=True)
        flags = bytes(
            [
                common | executable | table.places[member]
                for executable, member in zip(self._executable, members, strict=True)
            ]
        )
        stamp = pack_modified(now)
        modified = stamp * len(members)
        if table.has_times:
            modified = b"".join([table.modified[member] or stamp for member in members])
        return Rows(
            paths=self.paths,
            digests=b"".join(self._digests),
            sizes=pack_u64(self._sizes),
            flags=flags,
            packs=b"".join([table.packs[member] for member in members]),
            spots=b"".join([table.spots[member] for member in members]),
            modified=modified,
            datums=(self._datum or bytes(16)) * len(members),
        )

    def _sort(self) -> None:
        paths = self.paths
        if all(map(lt, paths, paths[1:])):
            return
        last = {path: row for row, path in enumerate(paths)}
        order = [last[path] for path in sorted(last)]
        self.paths = [paths[row] for row in order]
        self._digests = [self._digests[row] for row in order]
        self._sizes = [self._sizes[row] for row in order]
        self._executable = bytearray(self._executable[row] for row in order)
        self._members = [self._members[row] for row in order]

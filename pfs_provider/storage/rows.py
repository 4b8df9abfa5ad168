"""Rows: files with their paths as columns, sorted by path; what pages, deltas and writers hold.

Invariants: paths are UTF-8 bytes with a leading slash, strictly ascending by raw bytes; every
column holds one fixed-width item a row, so that slices and joins never touch a row in Python.
Must not know: pages, stores.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pfs_provider.errors import CorruptDataError, ErrorCode
from pfs_provider.storage.formats import Kind, pack_record, unpack_record, unpack_u64
from pfs_provider.storage.values import DIGEST_SIZE, Chunked, Empty, Entry, InPack, Place

__all__ = [
    "CELLS",
    "EMPTY_ROWS",
    "EXECUTABLE",
    "WIDTHS",
    "Rows",
    "join_rows",
    "merge_rows",
    "pack_modified",
    "pack_spot",
]

WIDTHS = {
    "digests": DIGEST_SIZE,
    "sizes": 8,
    "flags": 1,
    "packs": DIGEST_SIZE,
    "spots": 12,
    "modified": 8,
    "datums": 16,
}
"""Bytes a row of every column, in the order of the format."""

CELLS = sum(WIDTHS.values())
"""Bytes of all columns of one row."""

EXECUTABLE = 0x01
EMPTY_PLACE, RAW_PLACE, ZSTD_PLACE, CHUNKED_PLACE = 0x00, 0x02, 0x04, 0x06
PLACE_MASK = 0x06
_HAS_DATUM = 0x08
HAS_MODIFIED = 0x10
_KEEP_EXECUTABLE = bytes(value & EXECUTABLE for value in range(256))
_CLEAR_DATUM = bytes(value & ~_HAS_DATUM for value in range(256))
_SET_DATUM = bytes(value | _HAS_DATUM for value in range(256))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NO_DIGEST = bytes(DIGEST_SIZE)
_NO_DATUM = bytes(16)
_NO_SPOT = bytes(12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Files as columns. Build with `from_entries`, `decode` or a ContentWriter."""

    paths: list[bytes]
    digests: bytes
    sizes: bytes
    flags: bytes
    packs: bytes
    spots: bytes
    modified: bytes
    datums: bytes

    @staticmethod
    def from_entries(entries: Iterable[tuple[str, Entry]]) -> "Rows":
        """Return the files as rows; where a path comes twice, the later one counts."""
        last = {path.encode(): entry for path, entry in entries}
        paths = sorted(last)
        cells = [_cells(last[path]) for path in paths]
        columns = {name: b"".join(c[i] for c in cells) for i, name in enumerate(WIDTHS)}
        return Rows(paths=paths, **columns)

    def __len__(self) -> int:
        return len(self.paths)

    def entry(self, row: int) -> Entry:
        """Return the file of a row."""
        flags = self.flags[row]
        modified = None
        if flags & HAS_MODIFIED:
            stamp = int.from_bytes(self.modified[8 * row : 8 * row + 8], "little", signed=True)
            modified = _EPOCH + timedelta(microseconds=stamp)
        return Entry(
            digest=self.digests[32 * row : 32 * row + 32],
            size=int.from_bytes(self.sizes[8 * row : 8 * row + 8], "little"),
            place=self._place(row, flags & PLACE_MASK),
            modified=modified,
            datum=self.datums[16 * row : 16 * row + 16] if flags & _HAS_DATUM else None,
            executable=bool(flags & EXECUTABLE),
        )

    def _place(self, row: int, kind: int) -> Place:
        if kind == EMPTY_PLACE:
            return Empty()
        if kind == CHUNKED_PLACE:
            return Chunked()
        spot = self.spots[12 * row : 12 * row + 12]
        return InPack(
            pack=self.packs[32 * row : 32 * row + 32],
            offset=int.from_bytes(spot[:4], "little"),
            stored_size=int.from_bytes(spot[4:8], "little"),
            inner_offset=int.from_bytes(spot[8:], "little"),
            compressed=kind == ZSTD_PLACE,
        )

    def cells(self) -> Iterator[bytes]:
        """Yield what every row has beside its path, as one cell; `from_cells` takes it."""
        columns = [(getattr(self, name), width) for name, width in WIDTHS.items()]
        for row in range(len(self.paths)):
            yield b"".join([column[w * row : w * row + w] for column, w in columns])

    @staticmethod
    def from_cells(paths: list[bytes], cells: Sequence[bytes]) -> "Rows":
        """Return the rows of paths that ascend and what `cells` gave for each."""
        columns: dict[str, bytes] = {}
        at = 0
        for name, width in WIDTHS.items():
            columns[name] = b"".join([cell[at : at + width] for cell in cells])
            at += width
        return Rows(paths=paths, **columns)

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Yield path and entry of every row, in path order."""
        for row, path in enumerate(self.paths):
            yield path.decode(), self.entry(row)

    def find(self, path: bytes) -> Entry | None:
        """Return the file at a path, None if there is none."""
        row = bisect_left(self.paths, path)
        if row < len(self.paths) and self.paths[row] == path:
            return self.entry(row)
        return None

    def cut(self, start: int, stop: int) -> "Rows":
        """Return the rows ``start <= i < stop``."""
        if start == 0 and stop == len(self.paths):
            return self
        return Rows(
            paths=self.paths[start:stop],
            digests=self.digests[32 * start : 32 * stop],
            sizes=self.sizes[8 * start : 8 * stop],
            flags=self.flags[start:stop],
            packs=self.packs[32 * start : 32 * stop],
            spots=self.spots[12 * start : 12 * stop],
            modified=self.modified[8 * start : 8 * stop],
            datums=self.datums[16 * start : 16 * stop],
        )

    def with_datum(self, datum: bytes | None) -> "Rows":
        """Return the same files as made by a datum (16 bytes), or by none."""
        if datum is not None:
            return self.with_datums(datum * len(self))
        columns = {name: getattr(self, name) for name in WIDTHS}
        columns["flags"] = self.flags.translate(_CLEAR_DATUM)
        columns["datums"] = _NO_DATUM * len(self)
        return Rows(paths=self.paths, **columns)

    def with_datums(self, datums: bytes) -> "Rows":
        """Return the same files, each as made by a datum of its own: 16 bytes a row."""
        columns = {name: getattr(self, name) for name in WIDTHS}
        columns["flags"] = self.flags.translate(_SET_DATUM)
        columns["datums"] = datums
        return Rows(paths=self.paths, **columns)

    @property
    def executable(self) -> bytes:
        """One byte a row: 1 where the file is executable, else 0."""
        return self.flags.translate(_KEEP_EXECUTABLE)

    @property
    def total_size(self) -> int:
        """Bytes of all files."""
        return sum(unpack_u64(self.sizes))

    def fields(self) -> tuple[object, ...]:
        """Return the columns for a record's body; the digests go into its tail."""
        return (
            len(self.paths),
            b"\0".join(self.paths),
            *(getattr(self, name) for name in WIDTHS if name != "digests"),
        )

    @staticmethod
    def from_fields(fields: Sequence[object], digests: bytes, code: ErrorCode) -> "Rows":
        """Return the rows of a record's body and tail. Raises CorruptDataError with the code."""
        names = [name for name in WIDTHS if name != "digests"]
        if len(fields) != len(names) + 2:
            raise CorruptDataError(code, "rows have other columns than this version knows")
        n_rows, joined, *cells = fields
        if not isinstance(joined, bytes):
            raise CorruptDataError(code, "the paths are not bytes")
        paths = joined.split(b"\0") if n_rows else []
        columns = dict(zip(names, cells, strict=True), digests=digests)
        for name, column in columns.items():
            if not isinstance(column, bytes) or len(column) != WIDTHS[name] * len(paths):
                raise CorruptDataError(code, f"the column {name} has another length than the paths")
        return Rows(paths=paths, **columns)  # type: ignore[arg-type]  # checked in the loop

    def encode(self) -> bytes:
        """Return the rows as one record."""
        return pack_record(Kind.ROWS, self.fields(), self.digests)

    @staticmethod
    def decode(data: bytes) -> "Rows":
        """Return the rows that `encode` wrote. Raises CorruptDataError ``record-corrupt``."""
        fields, digests = unpack_record(Kind.ROWS, data, ErrorCode.RECORD_CORRUPT)
        return Rows.from_fields(fields, digests, ErrorCode.RECORD_CORRUPT)


EMPTY_ROWS = Rows.from_entries([])


def join_rows(pieces: Sequence[Rows]) -> Rows:
    """Return the pieces one after another; each begins above the end of the one before."""
    filled = [piece for piece in pieces if piece.paths]
    if len(filled) == 1:
        return filled[0]
    paths: list[bytes] = []
    for piece in filled:
        paths += piece.paths
    columns = {name: b"".join([getattr(p, name) for p in filled]) for name in WIDTHS}
    return Rows(paths=paths, **columns)


def merge_rows(many: Sequence[Rows]) -> Rows:
    """Return all rows of all parts; where a path comes twice, the later part counts."""
    parts = list(many)
    while len(parts) > 1:
        parts = [
            _merge_two(parts[i], parts[i + 1]) if i + 1 < len(parts) else parts[i]
            for i in range(0, len(parts), 2)
        ]
    return parts[0] if parts else EMPTY_ROWS


def _merge_two(old: Rows, new: Rows) -> Rows:
    if not old.paths or not new.paths or old.paths[-1] < new.paths[0]:
        return join_rows([old, new])
    pieces: list[Rows] = []
    row, at = 0, 0
    while at < len(new):
        stop = bisect_left(old.paths, new.paths[at], row)
        pieces.append(old.cut(row, stop))
        row = stop
        if row == len(old):
            break
        # all of the new rows that come before the next old one, and those that replace old ones
        end = bisect_left(new.paths, old.paths[row], at)
        while end < len(new) and row < len(old) and new.paths[end] == old.paths[row]:
            row += 1
            end += 1
        pieces.append(new.cut(at, end))
        at = end
    pieces += (new.cut(at, len(new)), old.cut(row, len(old)))
    return join_rows(pieces)


def pack_spot(offset: int, stored_size: int, inner_offset: int) -> bytes:
    """Return the cell of the column ``spots``."""
    return b"".join(part.to_bytes(4, "little") for part in (offset, stored_size, inner_offset))


def pack_modified(modified: datetime) -> bytes:
    """Return the cell of the column ``modified``: microseconds since 1970, i64 LE."""
    return ((modified - _EPOCH) // _MICROSECOND).to_bytes(8, "little", signed=True)


def make_flags(place: int, *, executable: bool, datum: bool, modified: bool) -> int:
    """Return the cell of the column ``flags``."""
    return (
        place
        | (EXECUTABLE if executable else 0)
        | (_HAS_DATUM if datum else 0)
        | (HAS_MODIFIED if modified else 0)
    )


def _cells(entry: Entry) -> tuple[bytes, ...]:
    pack, spot = _NO_DIGEST, _NO_SPOT
    match entry.place:
        case InPack() as place:
            kind = ZSTD_PLACE if place.compressed else RAW_PLACE
            pack = place.pack
            spot = pack_spot(place.offset, place.stored_size, place.inner_offset)
        case Chunked():
            kind = CHUNKED_PLACE
        case Empty():
            kind = EMPTY_PLACE
    flags = make_flags(
        kind,
        executable=entry.executable,
        datum=entry.datum is not None,
        modified=entry.modified is not None,
    )
    return (
        entry.digest,
        entry.size.to_bytes(8, "little"),
        bytes([flags]),
        pack,
        spot,
        bytes(8) if entry.modified is None else pack_modified(entry.modified),
        entry.datum or _NO_DATUM,
    )

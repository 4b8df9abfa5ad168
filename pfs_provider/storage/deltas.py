"""Deltas: what one writer did, as an immutable object; deletes come first, then puts.

Invariants: named by the BLAKE3 of its bytes and checked on every read; a delta with many puts names
a tree of them instead of holding them. Must not know: commits, drafts.
"""

from dataclasses import dataclass

from pfs_provider.errors import CorruptDataError, ErrorCode, NotFoundError
from pfs_provider.storage.building import build_tree
from pfs_provider.storage.digests import digest_bytes
from pfs_provider.storage.formats import Kind, pack_record, unpack_record
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.keys import delta_key
from pfs_provider.storage.rows import Rows, join_rows
from pfs_provider.storage.tree import iter_rows
from pfs_provider.storage.values import TreeRef, parse_tree_ref

__all__ = ["Delta", "StoredDelta", "load_rows", "read_delta", "read_stored", "write_delta"]

_INLINE = 2048
"""Rows. More are stored as a tree, which the first commit of a branch takes over as it is."""


@dataclass(frozen=True, slots=True)
class Delta:
    """Deletes, each of a path and all below, and then puts."""

    deletes: tuple[str, ...]
    rows: Rows


@dataclass(frozen=True, slots=True)
class StoredDelta:
    """A delta as it is stored: its puts are rows or a tree."""

    deletes: tuple[str, ...]
    puts: Rows | TreeRef


def write_delta(storage: Storage, delta: Delta) -> str:
    """Store a delta and return its name. Idempotent: equal deltas have one name.

    Raises:
        ConflictError: ``path-conflict``: one of many rows is a directory above another.
    """
    deletes = [path.encode() for path in delta.deletes]
    if len(delta.rows) > _INLINE:
        tree = build_tree(storage, delta.rows)
        data = pack_record(Kind.DELTA, (deletes, tree.text))
    else:
        data = pack_record(Kind.DELTA, (deletes, *delta.rows.fields()), delta.rows.digests)
    name = digest_bytes(data)
    storage.put(delta_key(name), data)
    return name.hex()


def read_delta(storage: Storage, name: str) -> Delta:
    """Return a delta.

    Raises:
        CorruptDataError: ``record-corrupt``: it is missing, or holds other bytes than were written.
    """
    stored = read_stored(storage, name)
    return Delta(stored.deletes, load_rows(storage, stored.puts))


def load_rows(storage: Storage, puts: Rows | TreeRef) -> Rows:
    """Return a stored delta's puts as rows. Raises CorruptDataError ``page-corrupt``."""
    return puts if isinstance(puts, Rows) else join_rows(list(iter_rows(storage, puts)))


def read_stored(storage: Storage, name: str) -> StoredDelta:
    """Return a delta without loading its puts. Raises CorruptDataError ``record-corrupt``."""
    try:
        data = storage.get(delta_key(bytes.fromhex(name)))
    except (NotFoundError, ValueError) as error:
        raise _corrupt(name, "is missing") from error
    if digest_bytes(data).hex() != name:
        raise _corrupt(name, "holds other bytes than were written")
    fields, digests = unpack_record(Kind.DELTA, data, ErrorCode.RECORD_CORRUPT)
    deletes, *cells = fields
    paths = tuple(path.decode() for path in deletes)
    if len(cells) == 1:
        return StoredDelta(paths, parse_tree_ref(cells[0]))
    return StoredDelta(paths, Rows.from_fields(cells, digests, ErrorCode.RECORD_CORRUPT))


def _corrupt(name: str, what: str) -> CorruptDataError:
    return CorruptDataError(
        ErrorCode.RECORD_CORRUPT,
        f"delta {name} {what}: run `pfs fsck` and restore the store from a copy",
        delta=name,
    )

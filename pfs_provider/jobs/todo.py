"""What is to be worked, out of the datums that a plan looks at: those whose key is not in the memo.

Datums wait on disk, sorted by key while the memo is asked, so that each of its pages is read once,
and in datum order afterwards. What is known goes into the job's manifest. Memory does not grow with
the datums.
Must not know: sets, workers.
"""

from array import array
from collections.abc import Iterator
from itertools import islice

from pfs_provider.closing import Closing
from pfs_provider.datums.datum import Datum
from pfs_provider.datums.identity import datum_id, datum_key
from pfs_provider.jobs.candidates import Candidates
from pfs_provider.jobs.memo import (
    RecordReader,
    find_in_memo,
    in_batches,
    take_over,
    write_records,
)
from pfs_provider.jobs.records import DatumRecord, MemoRecord, PieceRecord, decode, encode
from pfs_provider.sorting import Sorter
from pfs_provider.storage.gathering import TreeEdits
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.values import EMPTY_TREE, Entry, TreeRef

__all__ = ["Todo"]

BATCH = 4096
"""Datums looked up in the memo at once: enough to share pages, few enough to hold."""

_NUMBER = 8
"""Bytes of a datum's number, and of its size."""


class Todo(Closing):
    """Datums to be worked; `fill` fills it once.

    Attributes:
        total: Datums of the job, with those that nobody looked at.
        skipped: The manifest of all that is not to be worked.
        sizes: Bytes of each datum to be worked, in datum order.
    """

    def __init__(self) -> None:
        self.total = 0
        self.skipped = EMPTY_TREE
        self.sizes = array("Q")
        self._asked = Sorter()
        self._unknown = Sorter()
        self._manifest = TreeEdits()
        self._others = RecordReader()

    def fill(self, storage: Storage, candidates: Candidates, code: bytes, memo: TreeRef) -> None:
        """Look at all candidates.

        Args:
            storage: Where the trees lie.
            candidates: The datums to look at.
            code: The digest of the code.
            memo: The pipeline's memo.
        """
        self.total = candidates.manifest.n_files
        for name in candidates.gone:
            self._manifest.delete(_path(name))
            self.total -= 1
        wait = self._unknown if memo == EMPTY_TREE else self._asked
        for number, datum in enumerate(candidates.datums):
            self.total += 1
            record = _record(datum, datum_key(datum, code))
            place = number.to_bytes(_NUMBER, "big")
            value = datum.size.to_bytes(_NUMBER, "big") + encode(record)
            if wait is self._unknown:
                wait.add(place, value)
            else:
                wait.add(record.key, place + value)
        self._ask(storage, memo)
        for batch in in_batches(self._take_over(storage)):
            self._manifest.put(write_records(storage, batch)[0])
        self.skipped = self._manifest.apply(storage, candidates.manifest)
        self.sizes.extend(int.from_bytes(value[:_NUMBER], "big") for _, value in self._unknown)

    def __iter__(self) -> Iterator[DatumRecord]:
        """Yield the datums to be worked, in datum order."""
        return (decode(value[_NUMBER:], DatumRecord, name="a datum") for _, value in self._unknown)

    def _ask(self, storage: Storage, memo: TreeRef) -> None:
        """Part what waits by whether the memo holds its key."""
        waiting = iter(self._asked)
        while batch := list(islice(waiting, BATCH)):
            known: list[tuple[str, Entry]] = []
            entries = find_in_memo(storage, memo, [key for key, _ in batch])
            for (_, value), entry in zip(batch, entries, strict=True):
                if entry is None:
                    self._unknown.add(value[:_NUMBER], value[_NUMBER:])
                    continue
                data = value[2 * _NUMBER :]
                name = decode(data, DatumRecord, name="a datum").id
                if entry.datum == name:
                    known.append(("/" + name.hex(), entry))
                else:
                    self._others.want(entry, data)
            self._manifest.put(Rows.from_entries(known))

    def _take_over(self, storage: Storage) -> Iterator[MemoRecord]:
        for label, record in self._others.read(storage):
            yield take_over(record, decode(label, DatumRecord, name="a datum"))

    def close(self) -> None:
        """Forget all. Idempotent."""
        for part in (self._asked, self._unknown, self._manifest, self._others):
            part.close()


def _path(name: bytes) -> bytes:
    return b"/" + name.hex().encode()


def _record(datum: Datum, key: bytes) -> DatumRecord:
    return DatumRecord(
        id=datum_id(datum),
        key=key,
        pieces=[
            PieceRecord(
                input=piece.input,
                branch=piece.branch.full,
                path=piece.path,
                is_dir=piece.is_dir,
                mode=_mode(piece.empty_files, piece.s3),
                join_on=piece.join_on,
                group_by=piece.group_by,
            )
            for piece in datum.pieces
        ],
    )


def _mode(empty_files: bool, s3: bool) -> str:
    if s3:
        return "s3"
    return "empty" if empty_files else "files"

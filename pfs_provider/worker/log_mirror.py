"""Keeps a datum's log in the store as it is on disk, part by part.

Invariants: a part that is full is stored once more and never again; what was left out on disk is
removed from the store; memory holds one part at most. A part is stored after those before it, so
that a reader can tell the parts of this run from those that a lost worker left: those are older
than the beginning. Must not know: who writes the log.
"""

from dataclasses import dataclass, field
from pathlib import Path

from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.objects import JobObjects
from pfs_provider.worker.executors.logs import list_parts, move_log

__all__ = ["LogMirror"]


@dataclass(slots=True)
class LogMirror:
    """One datum's log here and in the store. One thread at a time.

    Args:
        objects: The store.
        job: Whose log.
        datum: Of which datum.
        path: Where it is written.
    """

    objects: JobObjects
    job: JobRef
    datum: bytes
    path: Path
    _stored: dict[int, int] = field(default_factory=dict)

    def store(self) -> None:
        """Store what has been added, remove what was left out. Does nothing before there is a log.

        Raises:
            PfsError: The store fails; called again, it goes on there.
        """
        parts = list_parts(self.path)
        if not parts:
            return
        for part in parts:
            if part.size > self._stored.get(part.offset, 0):
                try:
                    data = part.path.read_bytes()
                except FileNotFoundError:
                    continue  # left out meanwhile
                self.objects.replace(self.job.log(self.datum, part.offset), data)
                self._stored[part.offset] = len(data)
        gone = self._stored.keys() - {part.offset for part in parts}
        if gone:
            self.objects.delete(self.job.log(self.datum, offset) for offset in gone)
            for offset in gone:
                del self._stored[offset]

    def move(self, path: Path) -> None:
        """Have the log under another name, so that the next one can begin under its own."""
        move_log(self.path, path)
        self.path = path

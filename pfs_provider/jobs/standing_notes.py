"""What the worker of a standing command says of it, for the supervisor: one object in the store.

Must not know: who reads it, how commands are run.
"""

import json
from dataclasses import asdict, dataclass
from typing import Literal

from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.objects import JobObjects

__all__ = ["StandingNote", "clear_notes", "find_note", "put_note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingNote:
    """How a command is.

    ``staged``: its files are there, and it waits for its turn. ``up``: it runs. ``down``: it ended,
    or could not be started, for the ``reason``; it will be started again.
    """

    state: Literal["staged", "up", "down"]
    reason: str = ""
    n_starts: int = 0


def put_note(objects: JobObjects, ref: JobRef, note: StandingNote) -> None:
    """Store how a command is, over what was said before."""
    objects.replace(ref.standing, json.dumps(asdict(note)).encode())


def find_note(objects: JobObjects, ref: JobRef) -> StandingNote | None:
    """Return how a command is, None before its worker has said it."""
    data = objects.read_if_there(ref.standing)
    return None if data is None else StandingNote(**json.loads(data))


def clear_notes(objects: JobObjects, ref: JobRef) -> None:
    """Forget what was said before, and that it might start."""
    objects.delete([ref.standing, ref.go])

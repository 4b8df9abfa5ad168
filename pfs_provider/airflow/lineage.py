"""What a task read and made, noted while it runs, for whoever tells it to others afterwards.

Lineage is asked for when the task is over, by a process that should open neither catalog nor store;
so the facts are gathered where the task has both open. Noting never fails a task.
Must not know: OpenLineage (openlineage.py).
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pfs_provider.errors import PfsError

if TYPE_CHECKING:
    from pfs_provider.infos import CommitInfo, JobInfo
    from pfs_provider.pfs import Pfs

__all__ = ["TaskLineage", "find_lineage", "note_commit", "note_jobs"]

MAX_JOBS = 100
"""Newest jobs of a task that are told; Airflow and its receivers take no books."""

ATTRIBUTE = "pfs_lineage"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLineage:
    """Commits that went in, commits that came out, oldest first, and the jobs between them."""

    inputs: "tuple[CommitInfo, ...]" = ()
    outputs: "tuple[CommitInfo, ...]" = ()
    jobs: "tuple[JobInfo, ...]" = ()


def find_lineage(operator: object) -> TaskLineage | None:
    """Return what was noted of a task in this process, None if nothing was."""
    found: TaskLineage | None = getattr(operator, ATTRIBUTE, None)
    return found


def note_commit(operator: object, pfs: "Pfs", ref: str, *, provenance: Sequence[str] = ()) -> None:
    """Note that a task made a commit.

    Args:
        operator: The task.
        pfs: Where the commit is.
        ref: ``[project/]repo@id``.
        provenance: References of what went into it.
    """
    try:
        lineage = TaskLineage(inputs=_inspect(pfs, provenance), outputs=_inspect(pfs, [ref]))
    except PfsError as error:
        _log.warning("The lineage of this task is not complete: %s", error)
        return
    setattr(operator, ATTRIBUTE, lineage)


def note_jobs(operator: object, pfs: "Pfs", jobs: "Sequence[JobInfo]") -> None:
    """Note that a task ran these jobs, oldest first."""
    newest = tuple(jobs[-MAX_JOBS:])
    try:
        made = _inspect(pfs, (job.output_commit for job in newest))
        read = _inspect(pfs, (ref for commit in made for ref in commit.provenance))
    except PfsError as error:
        _log.warning("The lineage of this task is not complete: %s", error)
        made = read = ()
    finished = tuple(commit for commit in made if commit.state == "finished")
    setattr(operator, ATTRIBUTE, TaskLineage(inputs=read, outputs=finished, jobs=newest))


def _inspect(pfs: "Pfs", refs: Iterable[str]) -> "tuple[CommitInfo, ...]":
    return tuple(pfs.inspect_commit(ref) for ref in dict.fromkeys(refs))

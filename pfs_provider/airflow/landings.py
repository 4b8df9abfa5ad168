"""Which commits landed on a branch since an event of the catalog, a bounded piece at a time.

Invariant: what the cursor has passed is in the answer or will never count: it was deleted, is in
error, or landed elsewhere. Must not know: Airflow.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pfs_provider.airflow.triggers.log import PAGE, branch_moves
from pfs_provider.errors import NotFoundError

if TYPE_CHECKING:
    from pfs_provider.infos import CommitInfo
    from pfs_provider.pfs import Pfs
    from pfs_provider.refs.names import BranchKey

__all__ = ["Landings", "commits_between", "landings_since"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Landings:
    """Commits in the order they landed, each once, and where to go on.

    Args:
        commits: Finished, without error.
        moved: Those that were made elsewhere; the branch was moved to them, perhaps not for the
            first time.
        cursor: Number of the last event that was looked at.
        is_all: Whether there was no event behind it.
    """

    commits: "tuple[CommitInfo, ...]"
    moved: tuple[str, ...] = ()
    cursor: int
    is_all: bool


def landings_since(pfs: "Pfs", branch: "BranchKey", after: int, *, stop_at: int) -> Landings:
    """Return what landed after event ``after``.

    Args:
        pfs: Where.
        branch: The branch.
        after: Number of an event.
        stop_at: Look no further once there are so many; one page of events may bring more.
    """
    found: dict[str, CommitInfo] = {}
    while True:
        events = pfs.list_events(after=after, limit=PAGE)
        for commit, is_landing in branch_moves(events, branch):
            info = None if commit in found else _find_finished(pfs, branch, commit)
            # A commit of this branch has an event of its own when it finishes: what is only moved
            # to was there before.
            if info is not None and (is_landing or info.branch != branch.name):
                found[commit] = info
        if events:
            after = events[-1].number
        is_all = len(events) < PAGE
        if is_all or len(found) >= stop_at:
            return Landings(
                commits=tuple(found.values()),
                moved=tuple(id_ for id_, info in found.items() if info.branch != branch.name),
                cursor=after,
                is_all=is_all,
            )


def commits_between(
    pfs: "Pfs", branch: "BranchKey", *, since: str = "", until: str = ""
) -> "list[CommitInfo]":
    """Return the finished commits of a branch's history, oldest first.

    Args:
        pfs: Where.
        branch: The branch.
        since: Id of the first; empty means from the beginning.
        until: Id of the last; empty means up to the head.

    Raises:
        NotFoundError: ``commit-not-found``: one of the ids is not in the repo.
    """
    for bound in (since, until):
        if bound:
            pfs.inspect_commit(f"{branch.repo.full}@{bound}")
    found: list[CommitInfo] = []
    is_within = not until
    for commit in pfs.list_commits(branch.full):
        is_within = is_within or commit.id == until
        if is_within and commit.state == "finished":
            found.append(commit)
        if commit.id == since:
            break
    return found[::-1]


def _find_finished(pfs: "Pfs", branch: "BranchKey", commit: str) -> "CommitInfo | None":
    try:
        info = pfs.inspect_commit(f"{branch.repo.full}@{commit}")
    except NotFoundError:  # deleted meanwhile
        return None
    return info if info.state == "finished" else None

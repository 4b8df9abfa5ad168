"""Commits and jobs of one change gathered in one line each.

Must not know: terminals and the façade.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pfs_provider.infos import CommitInfo, JobInfo

__all__ = ["ChangeSet", "CommitSet", "JobSet", "commit_sets", "job_sets"]

T = TypeVar("T", CommitInfo, JobInfo)
S = TypeVar("S", bound="ChangeSet")
ENDED = frozenset({"finished", "error", "success", "failure", "killed", "unrunnable"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """All commits, or all jobs, that one change made."""

    id: str
    members: int
    done: int
    created: datetime
    modified: datetime


class CommitSet(ChangeSet):
    """All commits of a change."""

    __slots__ = ()


class JobSet(ChangeSet):
    """All jobs of a change."""

    __slots__ = ()


def commit_sets(commits: Iterable[CommitInfo]) -> Iterator[CommitSet]:
    """Yield a set for each change, in the order of their first commits."""
    return _sets(CommitSet, commits, lambda commit: commit.started)


def job_sets(jobs: Iterable[JobInfo]) -> Iterator[JobSet]:
    """Yield a set for each change, in the order of their first jobs."""
    return _sets(JobSet, jobs, lambda job: job.created)


def _sets(kind: type[S], infos: Iterable[T], begun: Callable[[T], datetime]) -> Iterator[S]:
    groups: dict[str, list[T]] = {}
    for info in infos:
        groups.setdefault(info.id, []).append(info)
    for change, members in groups.items():
        yield kind(
            id=change,
            members=len(members),
            done=sum(member.state in ENDED for member in members),
            created=min(map(begun, members)),
            modified=max(member.finished or begun(member) for member in members),
        )

"""Walking back in time: addresses to commits, ancestors, what to build upon.

Invariants: a walk costs by its steps, in one statement. Must not know: how commits come about.

Source: semantics 2.3 (ancestry), 2.4 TestResolveAlias, 2.2 TestErroredCommits.
"""

from typing import Any

from sqlalchemy import CTE, Select, literal, select

from pfs_provider.catalog.branches import get_branch
from pfs_provider.catalog.commit_rows import commit_values, fetch_commit, select_commits
from pfs_provider.catalog.lineage import find_in_provenance
from pfs_provider.catalog.repos import check_repo
from pfs_provider.catalog.tables import commits
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Branch, Commit
from pfs_provider.errors import ErrorCode, NotFoundError
from pfs_provider.refs.addresses import Address
from pfs_provider.refs.ancestry import Back, FromStart
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey, RepoKey

__all__ = ["base_commit", "is_on_branch", "list_commits", "resolve_commit"]

_ENDED = ("finished", "error")


def resolve_commit(tx: Tx, address: Address, *, readable: bool = False) -> Commit:
    """Return the commit that an address names.

    A branch stands for its head. An id stands for the repo's state in that change: the commit that
    the change made there, else the one that the change's commits elsewhere have read.

    Args:
        tx: The transaction.
        address: A branch, an id, or both, with ancestry; the path is ignored.
        readable: A branch stands for its newest finished commit, one that ended with an error
            included, instead of a head that is still open.

    Raises:
        NotFoundError: ``repo-not-found``, ``branch-not-found``, or ``commit-not-found``: no such
            id, no commit on the branch yet, or ancestry beyond either end.
    """
    start = _resolve_start(tx, address, readable=readable)
    match address.ancestry:
        case Back(steps=steps) if steps >= 0:
            found = _go_back(tx, start, steps)
        case Back(steps=steps):
            found = _go_forward(tx, start, -steps, address)
        case FromStart(number=0):
            found = start
        case FromStart(number=number):
            found = _from_start(tx, start, number)
    if found is None:
        raise _not_found(address, f"{address} goes beyond the history of {address.repo}")
    return found


def _resolve_start(tx: Tx, address: Address, *, readable: bool) -> Commit:
    if address.commit is not None:
        if address.branch is not None:
            get_branch(tx, address.branch_key)
        return _resolve_id(tx, address, address.commit)
    branch = get_branch(tx, address.branch_key)
    found = None
    if branch.head is not None:
        found = fetch_commit(tx, address.repo, branch.head)
    if found is not None and readable and not found.is_finished:
        found = _newest_finished(tx, found)
    if found is None:
        raise _not_found(address, _why_none(branch))
    return found


def _why_none(branch: Branch) -> str:
    if branch.open_commit is not None:
        return f"branch {branch.key} has no finished commit yet, only the open {branch.open_commit}"
    if branch.head is not None:
        return f"branch {branch.key} has no finished commit yet: {branch.head} is being made"
    return f"branch {branch.key} has no commit yet: put a file into it"


def _resolve_id(tx: Tx, address: Address, id_: CommitId) -> Commit:
    found = fetch_commit(tx, address.repo, id_)
    if found is not None:
        return found
    check_repo(tx, address.repo)
    read = find_in_provenance(tx, id_, address.repo)
    if read is None:
        raise _not_found(
            address,
            f"{address.repo}@{id_} does not exist: neither made nor read by a change of that id",
        )
    return read


def _not_found(address: Address, message: str) -> NotFoundError:
    return NotFoundError(
        ErrorCode.COMMIT_NOT_FOUND, message, repo=address.repo.full, address=str(address)
    )


def _chain(
    repo: RepoKey, start: str, *, stop_at: tuple[str, ...] = (), steps: int | None = None
) -> CTE:
    """Return the walk over parents from ``start`` on, itself at step 0.

    It ends behind a commit in one of the states ``stop_at``, and after ``steps`` steps.
    """
    columns = (commits.c.id, commits.c.parent, commits.c.state)
    first: Select[Any] = select(*columns, literal(0).label("step")).where(
        commits.c.repo == repo.full, commits.c.id == start
    )
    walk = first.cte("walk", recursive=True)
    older = select(*columns, walk.c.step + 1).where(
        commits.c.repo == repo.full, commits.c.id == walk.c.parent
    )
    if stop_at:
        older = older.where(walk.c.state.not_in(stop_at))
    if steps is not None:
        older = older.where(walk.c.step < steps)
    return walk.union_all(older)


def _go_back(tx: Tx, start: Commit, steps: int) -> Commit | None:
    if steps == 0:
        return start
    walk = _chain(start.repo, start.id, steps=steps)
    found = tx.scalar(select(walk.c.id).where(walk.c.step == steps))
    return None if found is None else fetch_commit(tx, start.repo, found)


def _from_start(tx: Tx, start: Commit, number: int) -> Commit | None:
    walk = _chain(start.repo, start.id)
    found = tx.first(select(walk.c.id).order_by(walk.c.step.desc()).offset(number - 1).limit(1))
    return None if found is None else fetch_commit(tx, start.repo, found.id)


def _go_forward(tx: Tx, start: Commit, steps: int, address: Address) -> Commit | None:
    """Walk towards the head of the branch named, or of the one that the commit was made on."""
    branch = get_branch(tx, BranchKey(start.repo, address.branch or start.branch))
    if branch.head is None:
        return None
    walk = _chain(start.repo, branch.head)
    at = tx.scalar(select(walk.c.step).where(walk.c.id == start.id))
    if at is None or at < steps:
        return None
    found = tx.scalar(select(walk.c.id).where(walk.c.step == at - steps))
    return None if found is None else fetch_commit(tx, start.repo, found)


def _newest_finished(tx: Tx, start: Commit) -> Commit | None:
    walk = _chain(start.repo, start.id, stop_at=_ENDED)
    found = tx.scalar(select(walk.c.id).where(walk.c.state.in_(_ENDED)))
    return None if found is None else fetch_commit(tx, start.repo, found)


def is_on_branch(tx: Tx, branch: BranchKey, commit: Commit) -> bool:
    """Return whether the head of an output branch is the commit or was made upon it.

    Costs by what was opened on the branch since: what is built upon a commit has a higher number.
    """
    head = get_branch(tx, branch).head
    if head is None or head == commit.id:
        return head is not None
    first = select(commits.c.number).where(
        commits.c.repo == commit.repo.full, commits.c.id == commit.id
    )
    columns = (commits.c.id, commits.c.parent)
    walk = (
        select(*columns)
        .where(commits.c.repo == commit.repo.full, commits.c.id == head)
        .cte("since", recursive=True)
    )
    walk = walk.union_all(
        select(*columns).where(
            commits.c.repo == commit.repo.full,
            commits.c.id == walk.c.parent,
            commits.c.number >= first.scalar_subquery(),
        )
    )
    return tx.first(select(walk.c.id).where(walk.c.id == commit.id)) is not None


def base_commit(tx: Tx, commit: Commit) -> Commit | None:
    """Return what a commit builds upon: its nearest ancestor that finished without error."""
    if commit.parent is None:
        return None
    walk = _chain(commit.repo, commit.parent, stop_at=("finished",))
    found = tx.scalar(select(walk.c.id).where(walk.c.state == "finished"))
    return None if found is None else fetch_commit(tx, commit.repo, found)


def list_commits(
    tx: Tx, repo: RepoKey, *, branch: str | None = None, limit: int | None = None
) -> tuple[Commit, ...]:
    """Return commits, newest first, open ones included.

    Args:
        tx: The transaction.
        repo: Whose commits.
        branch: Only this branch: what a user has open on it, then its head and its ancestors. None
            is all of the repo, in the order they were started.
        limit: At most that many; the cost goes with it.

    Raises:
        NotFoundError: ``repo-not-found`` or ``branch-not-found``.
    """
    if branch is None:
        check_repo(tx, repo)
        query = select_commits().where(commits.c.repo == repo.full)
        return commit_values(tx, tx.all(query.order_by(commits.c.number.desc()).limit(limit)))
    found = get_branch(tx, BranchKey(repo, branch))
    opened = None if found.open_commit is None else fetch_commit(tx, repo, found.open_commit)
    newest = () if opened is None else (opened,)
    if found.head is None:
        return newest[:limit]
    walk = _chain(repo, found.head, steps=None if limit is None else max(limit - 1, 0))
    query = (
        select_commits()
        .join(walk, walk.c.id == commits.c.id)
        .where(commits.c.repo == repo.full)
        .order_by(walk.c.step)
    )
    return (*newest, *commit_values(tx, tx.all(query)))[:limit]

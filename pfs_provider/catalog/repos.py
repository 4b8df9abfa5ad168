"""Repos: create, get, list, delete.

Must not know: what is in their commits.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, bindparam, delete, func, insert, select

from pfs_provider.catalog.commit_rows import with_refs
from pfs_provider.catalog.keys import branch_of, repo_key
from pfs_provider.catalog.projects import get_project
from pfs_provider.catalog.settling import fail_readers
from pfs_provider.catalog.tables import (
    branches,
    commit_provenance,
    commits,
    deltas,
    pipelines,
    provenance,
    repos,
    triggers,
)
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Repo
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError
from pfs_provider.refs.names import DEFAULT_BRANCH, PipelineKey, RepoKey

__all__ = [
    "check_repo",
    "check_unused",
    "create_repo",
    "delete_repo",
    "erase_repo",
    "find_repo",
    "get_repo",
    "list_repos",
]


_BY_KEY: Final = select(repos.c.key).where(repos.c.key == bindparam("key"))


def create_repo(tx: Tx, key: RepoKey, *, description: str = "") -> Repo:
    """Make a repo.

    Raises:
        NotFoundError: ``project-not-found``.
        ConflictError: ``repo-exists``.
    """
    get_project(tx, key.project)
    if tx.first(select(repos.c.key).where(repos.c.key == key.full)) is not None:
        raise ConflictError(ErrorCode.REPO_EXISTS, f"repo {key} exists already", repo=key.full)
    tx.run(
        insert(repos).values(
            key=key.full, project=key.project, description=description, created=tx.now
        )
    )
    tx.add_event("repo-created", key)
    return Repo(key=key, description=description, created=tx.now, size=0)


def find_repo(tx: Tx, key: RepoKey) -> Repo | None:
    """Return a repo, None if there is none of that name."""
    found = _values(tx, tx.all(select(repos).where(repos.c.key == key.full)))
    return found[0] if found else None


def get_repo(tx: Tx, key: RepoKey) -> Repo:
    """Return a repo. Raises NotFoundError ``repo-not-found``."""
    found = find_repo(tx, key)
    if found is None:
        raise _not_found(key)
    return found


def check_repo(tx: Tx, key: RepoKey) -> None:
    """Return if the repo exists, which costs less than to get it.

    Raises:
        NotFoundError: ``repo-not-found``.
    """
    if tx.first(_BY_KEY, {"key": key.full}) is None:
        raise _not_found(key)


def _not_found(key: RepoKey) -> NotFoundError:
    return NotFoundError(
        ErrorCode.REPO_NOT_FOUND,
        f"repo {key} does not exist: create it with `pfs create repo {key}`",
        repo=key.full,
    )


def list_repos(tx: Tx, project: str | None = None) -> tuple[Repo, ...]:
    """Return the repos of a project, or of all, by name.

    Raises:
        NotFoundError: ``project-not-found``.
    """
    query = select(repos).order_by(repos.c.key)
    if project is not None:
        get_project(tx, project)
        query = query.where(repos.c.project == project)
    return _values(tx, tx.all(query))


def _values(tx: Tx, rows: Sequence[Row[Any]]) -> tuple[Repo, ...]:
    sizes = _sizes(tx, [row.key for row in rows])
    return tuple(
        Repo(
            key=repo_key(row.key),
            description=row.description,
            created=row.created,
            size=sizes.get(row.key, 0),
        )
        for row in rows
    )


def _sizes(tx: Tx, names: Sequence[str]) -> dict[str, int]:
    """Return the sizes of the newest states of ``master`` that finished without error."""
    level = {branch_of(name, DEFAULT_BRANCH) for name in names}
    query = select(commits.c.repo, commits.c.parent, commits.c.state, commits.c.size)
    rows = tx.all(
        query.join(
            branches, (branches.c.repo == commits.c.repo) & (branches.c.head == commits.c.id)
        ).where(branches.c.key.in_(level))
    )
    found: dict[str, int] = {}
    while rows:
        found.update({row.repo: int(row.size or 0) for row in rows if row.state == "finished"})
        older = [(row.repo, row.parent) for row in rows if row.state != "finished" and row.parent]
        rows = tx.all(query.where(with_refs(commits.c.repo, commits.c.id, older))) if older else []
    return found


def delete_repo(tx: Tx, key: RepoKey, *, force: bool = False) -> None:
    """Delete a repo with its branches and commits.

    Args:
        tx: The transaction.
        key: The repo.
        force: Also if branches of other repos depend on it; those edges are cut, and commits
            elsewhere lose what they say about it.

    Raises:
        NotFoundError: ``repo-not-found``.
        ConflictError: ``in-use``: it is a pipeline's output, or others depend on it.
    """
    get_repo(tx, key)
    output = tx.scalar(select(pipelines.c.key).where(pipelines.c.key == key.full))
    if output is not None:
        pipeline = PipelineKey(key.project, key.name)
        raise ConflictError(
            ErrorCode.IN_USE,
            f"repo {key} holds the output of pipeline {pipeline}: "
            f"delete that with `pfs delete pipeline {pipeline}`",
            repo=key.full,
        )
    if not force:
        check_unused(tx, key)
    erase_repo(tx, key)


def check_unused(tx: Tx, key: RepoKey) -> None:
    """Raise ConflictError ``in-use`` if another repo depends on this one."""
    inside = select(branches.c.key).where(branches.c.repo == key.full)
    query = select(provenance.c.branch).where(
        provenance.c.input.in_(inside), provenance.c.branch.not_in(inside)
    )
    user = tx.scalar(query.limit(1)) or tx.scalar(
        select(func.min(commit_provenance.c.repo)).where(
            commit_provenance.c.input_repo == key.full, commit_provenance.c.repo != key.full
        )
    )
    if user is not None:
        raise ConflictError(
            ErrorCode.IN_USE,
            f"repo {key} is in the provenance of {user}: delete that first, or force it",
            repo=key.full,
            user=user,
        )


def erase_repo(tx: Tx, key: RepoKey) -> None:
    """Delete the rows of a repo and all edges to it. The caller has checked that it may go.

    What is being made from it elsewhere ends with an error: its inputs are gone.
    """
    repo = key.full
    fail_readers(tx, repo, blame=f"repo {repo}, which was deleted")
    inside = select(branches.c.key).where(branches.c.repo == repo)
    tx.run(
        delete(provenance).where(provenance.c.branch.in_(inside) | provenance.c.input.in_(inside))
    )
    tx.run(delete(triggers).where(triggers.c.branch.in_(inside)))
    tx.run(
        delete(commit_provenance).where(
            (commit_provenance.c.repo == repo) | (commit_provenance.c.input_repo == repo)
        )
    )
    for table in (deltas, commits, branches):
        tx.run(delete(table).where(table.c.repo == repo))
    tx.run(delete(repos).where(repos.c.key == repo))
    tx.add_event("repo-deleted", key)

"""Provenance of commits, transitive, both ways.

Invariants: nearest first; a commit is named once. Must not know: branches.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from pfs_provider.catalog.commit_rows import (
    CommitRef,
    chunked,
    commit_values,
    select_commits,
    with_refs,
)
from pfs_provider.catalog.tables import commit_provenance, commits
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Commit
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import RepoKey

__all__ = ["fetch_commits", "find_in_provenance", "provenance_of", "readers_of", "subvenance_of"]


def provenance_of(tx: Tx, commit: Commit) -> tuple[Commit, ...]:
    """Return all commits that this one was made from, nearest first, without itself."""
    return fetch_commits(tx, _walk(tx, [(commit.repo.full, commit.id)], down=False))


def subvenance_of(tx: Tx, commit: Commit) -> tuple[Commit, ...]:
    """Return all commits that were made from this one, nearest first, without itself."""
    return fetch_commits(tx, _walk(tx, [(commit.repo.full, commit.id)], down=True))


def readers_of(tx: Tx, refs: Iterable[CommitRef]) -> list[CommitRef]:
    """Return the commits that directly read one of these."""
    return _step(tx, refs, down=True)


def find_in_provenance(tx: Tx, change: CommitId, repo: RepoKey) -> Commit | None:
    """Return the commit of a repo that a change has read, the nearest one if there are several."""
    made = tx.all(select(commits.c.repo, commits.c.id).where(commits.c.id == change))
    level = [(row.repo, row.id) for row in made]
    seen = set(level)
    while level:
        level = [ref for ref in _step(tx, level, down=False) if ref not in seen]
        seen.update(level)
        here = [ref for ref in level if ref[0] == repo.full]
        if here:
            return max(fetch_commits(tx, here), key=lambda commit: commit.started)
    return None


def _walk(tx: Tx, roots: Sequence[CommitRef], *, down: bool) -> list[CommitRef]:
    found: dict[CommitRef, None] = {}
    level = list(roots)
    while level:
        level = [ref for ref in _step(tx, level, down=down) if ref not in found]
        found.update(dict.fromkeys(level))
    return [ref for ref in found if ref not in roots]


def _step(tx: Tx, refs: Iterable[CommitRef], *, down: bool) -> list[CommitRef]:
    table = commit_provenance
    here, there = (table.c.repo, table.c.id), (table.c.input_repo, table.c.input_id)
    if down:
        here, there = there, here
    found: dict[CommitRef, None] = {}
    for piece in chunked(refs):
        query = (
            select(there[0].label("repo"), there[1].label("id"))
            .where(with_refs(*here, piece))
            .order_by(table.c.position, *there)
        )
        found.update({(row.repo, row.id): None for row in tx.all(query)})
    return list(found)


def fetch_commits(tx: Tx, refs: Sequence[CommitRef]) -> tuple[Commit, ...]:
    """Return the commits named, in that order; those that do not exist are left out."""
    found: dict[CommitRef, Commit] = {}
    for piece in chunked(refs):
        rows = tx.all(select_commits().where(with_refs(commits.c.repo, commits.c.id, piece)))
        for commit in commit_values(tx, rows):
            found[commit.repo.full, commit.id] = commit
    return tuple(found[ref] for ref in refs if ref in found)

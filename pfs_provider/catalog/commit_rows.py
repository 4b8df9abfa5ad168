"""Rows of commits to values and back: the one place that knows their columns.

Must not know: branches, what finishing a commit causes. Internal to the room.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, insert, select, tuple_, update

from pfs_provider.catalog.keys import branch_key, repo_key
from pfs_provider.catalog.tables import commit_provenance, commits
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Commit, CommitPin
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey, RepoKey

__all__ = [
    "CommitRef",
    "chunked",
    "commit_values",
    "end_commit",
    "fetch_commit",
    "find_states",
    "insert_commit",
    "insert_pins",
    "pins_of",
    "select_commits",
    "with_refs",
]

CommitRef = tuple[str, str]
"""Text of a repo, id of a commit."""

_MAX_REFS = 400
"""Pairs in one statement; SQLite allows 32,766 variables, the planner likes fewer."""

# Built once: to put a statement together costs more than SQLite takes to run it.
_THIS = (commits.c.repo == bindparam("of_repo"), commits.c.id == bindparam("of_id"))
_ONE = select(commits).where(*_THIS)
_STATE = select(commits.c.state).where(*_THIS)
_INSERT = insert(commits)
_UPDATE = update(commits).where(*_THIS)
_PINS = (
    select(commit_provenance)
    .where(commit_provenance.c.repo == bindparam("of_repo"))
    .where(commit_provenance.c.id == bindparam("of_id"))
    .order_by(commit_provenance.c.position)
)


def select_commits() -> Select[Any]:
    """Return the query that ``commit_values`` understands, without conditions."""
    return select(commits)


def with_refs(
    repo: ColumnElement[str], id_: ColumnElement[str], refs: Sequence[CommitRef]
) -> ColumnElement[bool]:
    """Return the condition that the two columns name one of the commits."""
    return tuple_(repo, id_).in_(refs)


def chunked(refs: Iterable[CommitRef]) -> Iterable[list[CommitRef]]:
    """Yield the distinct refs in pieces that fit into one statement."""
    distinct = list(dict.fromkeys(refs))
    for start in range(0, len(distinct), _MAX_REFS):
        yield distinct[start : start + _MAX_REFS]


def commit_values(tx: Tx, rows: Sequence[Row[Any]]) -> tuple[Commit, ...]:
    """Return the commits of rows of ``select_commits``, in that order, with their pins."""
    pins = pins_of(tx, [(row.repo, row.id) for row in rows])
    return tuple(_value(row, pins.get((row.repo, row.id), ())) for row in rows)


def _value(row: Row[Any], pins: Sequence[CommitPin]) -> Commit:
    return Commit(
        repo=repo_key(row.repo),
        branch=row.branch,
        id=row.id,
        parent=row.parent,
        origin=row.origin,
        state=row.state,
        tree=row.tree,
        n_files=row.n_files,
        size=row.size,
        message=row.message,
        error=row.error,
        started=row.started,
        finished=row.finished,
        provenance=tuple(pins),
        run=row.run,
    )


def fetch_commit(tx: Tx, repo: RepoKey, id_: str) -> Commit | None:
    """Return a commit, None if the repo has none of that id."""
    row = tx.first(_ONE, {"of_repo": repo.full, "of_id": id_})
    return None if row is None else commit_values(tx, [row])[0]


def pins_of(tx: Tx, refs: Sequence[CommitRef]) -> dict[CommitRef, list[CommitPin]]:
    """Return the direct provenance of commits, in the order declared."""
    found: dict[CommitRef, list[CommitPin]] = {}
    table = commit_provenance
    for piece in chunked(refs):
        if len(piece) == 1:
            rows = tx.all(_PINS, {"of_repo": piece[0][0], "of_id": piece[0][1]})
        else:
            query = select(table).where(with_refs(table.c.repo, table.c.id, piece))
            rows = tx.all(query.order_by(table.c.repo, table.c.id, table.c.position))
        for row in rows:
            pin = CommitPin(branch=branch_key(row.input_branch), id=row.input_id)
            found.setdefault((row.repo, row.id), []).append(pin)
    return found


def find_states(tx: Tx, refs: Iterable[CommitRef]) -> dict[CommitRef, str]:
    """Return the states of the commits that exist."""
    found: dict[CommitRef, str] = {}
    for piece in chunked(refs):
        query = select(commits.c.repo, commits.c.id, commits.c.state).where(
            with_refs(commits.c.repo, commits.c.id, piece)
        )
        found.update({(row.repo, row.id): row.state for row in tx.all(query)})
    return found


def insert_commit(
    tx: Tx,
    branch: BranchKey,
    *,
    id_: CommitId,
    origin: str,
    parent: str | None,
    columns: dict[str, Any],
) -> None:
    """Add an open commit with its first event.

    Raises:
        ConflictError: ``commit-exists``: the repo has a commit of that id already; a change makes
            one commit a repo.
    """
    repo = branch.repo.full
    if tx.first(_STATE, {"of_repo": repo, "of_id": id_}) is not None:
        raise ConflictError(
            ErrorCode.COMMIT_EXISTS,
            f"{branch.repo}@{id_} exists already: a change makes one commit in a repo",
            repo=repo,
            id=id_,
        )
    number = tx.add_event(
        "commit-started", branch, commit=id_, state="open", data={"origin": origin}
    )
    facts = {
        "repo": repo,
        "id": id_,
        "branch": branch.name,
        "parent": parent,
        "number": number,
        "origin": origin,
        "state": "open",
        "tree": "",
        "message": "",
        "started": tx.now,
    }
    tx.run(_INSERT, facts | columns)


def insert_pins(tx: Tx, repo: RepoKey, id_: CommitId, pins: Sequence[CommitPin]) -> None:
    """Record what a commit reads.

    Raises:
        NotFoundError: ``commit-not-found``: one of them does not exist.
    """
    refs = [(pin.branch.repo.full, pin.id) for pin in pins]
    known = find_states(tx, refs)
    for pin, ref in zip(pins, refs, strict=True):
        if ref not in known:
            raise NotFoundError(
                ErrorCode.COMMIT_NOT_FOUND,
                f"{pin.branch.repo}@{pin.id}, named as provenance, does not exist",
                repo=pin.branch.repo.full,
                id=pin.id,
            )
    if pins:
        rows = [
            {
                "repo": repo.full,
                "id": id_,
                "position": position,
                "input_repo": pin.branch.repo.full,
                "input_branch": pin.branch.full,
                "input_id": pin.id,
            }
            for position, pin in enumerate(dict.fromkeys(pins))
        ]
        tx.run(insert(commit_provenance), rows)


def end_commit(
    tx: Tx, branch: BranchKey, id_: CommitId, *, error: str | None, columns: Mapping[str, Any]
) -> None:
    """Set an open commit to its end state, with its event. The caller knows that it is open."""
    state = "finished" if error is None else "error"
    facts = {"state": state, "error": error, "finished": tx.now, **columns}
    tx.run(_UPDATE, {"of_repo": branch.repo.full, "of_id": id_, **facts})
    tx.add_event("commit-finished", branch, commit=id_, state=state)

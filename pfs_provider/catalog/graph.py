"""The graph of branches: who declares to depend on whom.

Invariants: acyclic; a change never needs two commits in one repo, so two branches of one repo are
never connected by provenance in one direction. Must not know: commits, jobs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from sqlalchemy import delete, insert, select

from pfs_provider.catalog.tables import provenance
from pfs_provider.catalog.transaction import Tx
from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.names import BranchKey

__all__ = [
    "Edge",
    "check_provenance",
    "downstream_edges",
    "edges_into",
    "find_dependent",
    "in_order",
    "replace_provenance",
    "upstream_of",
]


@dataclass(frozen=True, slots=True)
class Edge:
    """``branch`` depends on ``input``; without ``propagate``, moves there cause nothing."""

    branch: str
    input: str
    propagate: bool


def edges_into(tx: Tx, branches: Iterable[str]) -> list[Edge]:
    """Return the edges from those branches to their direct inputs, in the order declared."""
    query = (
        select(provenance)
        .where(provenance.c.branch.in_(list(branches)))
        .order_by(provenance.c.branch, provenance.c.position)
    )
    return [Edge(row.branch, row.input, row.propagate) for row in tx.all(query)]


def downstream_edges(tx: Tx, roots: Iterable[str]) -> list[Edge]:
    """Return all edges on ways down from the roots, level by level."""
    found: dict[Edge, None] = {}
    level = set(roots)
    seen: set[str] = set()
    while level:
        seen |= level
        query = select(provenance).where(provenance.c.input.in_(sorted(level)))
        edges = [Edge(row.branch, row.input, row.propagate) for row in tx.all(query)]
        found.update(dict.fromkeys(edges))
        level = {edge.branch for edge in edges} - seen
    return list(found)


def upstream_of(tx: Tx, roots: Iterable[str]) -> set[str]:
    """Return all branches that the roots depend on, the roots included."""
    seen: set[str] = set()
    level = set(roots)
    while level:
        seen |= level
        level = {edge.input for edge in edges_into(tx, sorted(level))} - seen
    return seen


def in_order(edges: Iterable[Edge], extra: Iterable[str] = ()) -> list[str]:
    """Return the branches of the edges, inputs before what depends on them."""
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(sorted(extra), ()))
    for edge in edges:
        sorter.add(edge.branch, edge.input)
    return list(sorter.static_order())


def find_dependent(tx: Tx, branch: str) -> str | None:
    """Return a branch that directly depends on this one."""
    found = tx.scalar(select(provenance.c.branch).where(provenance.c.input == branch).limit(1))
    return None if found is None else str(found)


def check_provenance(tx: Tx, key: BranchKey, inputs: Sequence[BranchKey]) -> None:
    """Refuse provenance that would make a cycle or need two commits of one repo in one change.

    Raises:
        RefusedError: ``provenance-illegal``, naming the branches.
    """
    above = upstream_of(tx, {branch.full for branch in inputs})
    if key.full in above:
        via = next(b for b in inputs if b == key or key.full in upstream_of(tx, {b.full}))
        raise _illegal(key, f"{via} depends on {key} already, which would make a circle")
    below = {edge.branch for edge in downstream_edges(tx, {key.full})}
    _check_one_a_repo(key, {*above, key.full})
    for branch in sorted(below):
        _check_one_a_repo(key, {*upstream_of(tx, {branch}), *above, key.full})
    for root in sorted(above):
        _check_one_a_repo(
            key, {root, key.full, *below, *(e.branch for e in downstream_edges(tx, {root}))}
        )


def _check_one_a_repo(key: BranchKey, branches: set[str]) -> None:
    by_repo: dict[str, str] = {}
    for branch in sorted(branches):
        repo = branch.partition("@")[0]
        other = by_repo.setdefault(repo, branch)
        if other != branch:
            raise _illegal(
                key, f"{other} and {branch} are branches of one repo and would be connected"
            )


def _illegal(key: BranchKey, why: str) -> RefusedError:
    return RefusedError(
        ErrorCode.PROVENANCE_ILLEGAL, f"the provenance of {key} is illegal: {why}", branch=key.full
    )


def replace_provenance(tx: Tx, key: BranchKey, inputs: Sequence[tuple[BranchKey, bool]]) -> None:
    """Set the direct provenance of a branch to those inputs, each with its ``propagate``."""
    tx.run(delete(provenance).where(provenance.c.branch == key.full))
    if inputs:
        rows = [
            {"branch": key.full, "input": branch.full, "position": n, "propagate": propagate}
            for n, (branch, propagate) in enumerate(inputs)
        ]
        tx.run(insert(provenance), rows)

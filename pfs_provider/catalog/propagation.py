"""What a moved head causes: one commit in every branch downstream, one job a pipeline behind it.

Invariants: all that one act causes has one id; each opened commit is pinned to the exact heads of
its inputs, so a diamond is consistent; heads of provenant branches are provenant on heads when the
transaction ends. Must not know: why heads moved.

Source: docs/design/0003-catalog.md (head rules); Pachyderm's propagation, semantics 2.4.
"""

from collections.abc import Iterable

from sqlalchemy import select

from pfs_provider.catalog.commit_rows import find_states, insert_commit, insert_pins, pins_of
from pfs_provider.catalog.graph import Edge, downstream_edges, edges_into, in_order
from pfs_provider.catalog.heads import move_head
from pfs_provider.catalog.job_rows import insert_job
from pfs_provider.catalog.keys import branch_key
from pfs_provider.catalog.settling import fail_unrunnable
from pfs_provider.catalog.tables import branches, commits, pipelines
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import CommitPin
from pfs_provider.refs.ids import CommitId

__all__ = ["propagate"]


def propagate(tx: Tx) -> None:
    """Open everything downstream of the heads that moved in this transaction.

    Called when ``Catalog.write`` ends; calling it earlier is allowed and cuts the transaction in
    two acts. Idempotent: what was handled is forgotten.
    """
    moved, stale = tx.moved, tx.stale
    tx.moved, tx.stale = [], []
    changes = [*(entry.id for entry in moved), *(entry.id for entry in stale)]
    for change in dict.fromkeys(changes):
        group = _Group(
            tx,
            roots=_roots(tx, change, {entry.branch for entry in moved if entry.id == change}),
            stale={entry.branch: entry.forced for entry in stale if entry.id == change},
        )
        group.open_all(change)


def _roots(tx: Tx, change: CommitId, moved: set[str]) -> set[str]:
    """Return the branches that a change moved; none while a user has a commit of it open.

    Commits that a transaction started together are finished one by one; the last one opens what is
    below all of them, so that a pipeline over two of them has one job.
    """
    if not moved:
        return moved
    made = tx.all(
        select(commits.c.repo, commits.c.branch, commits.c.state).where(
            commits.c.id == change, commits.c.origin == "user"
        )
    )
    if any(row.state in ("open", "finishing") for row in made):
        return set()
    return moved | {f"{row.repo}@{row.branch}" for row in made}


class _Group:
    """All that one change id causes in one transaction."""

    def __init__(self, tx: Tx, *, roots: set[str], stale: dict[str, bool]) -> None:
        self._tx = tx
        self._touched = set(roots)
        self._stale = stale
        below = downstream_edges(tx, {*roots, *stale})
        affected = {edge.branch for edge in below} | set(stale)
        self._inputs: dict[str, list[Edge]] = {}
        for edge in edges_into(tx, sorted(affected)):
            self._inputs.setdefault(edge.branch, []).append(edge)
        order = in_order((edge for edges in self._inputs.values() for edge in edges), affected)
        self._order = [branch for branch in order if branch in affected]
        self._heads = self._read_heads()
        self._pipelines = self._read_pipelines(affected)

    def open_all(self, change: CommitId) -> None:
        """Open the commits and jobs, inputs first."""
        id_: CommitId | None = None
        for branch in self._order:
            pins = self._pins(branch)
            if not pins or not self._is_due(branch, pins):
                continue
            if id_ is None:
                id_ = change if self._is_unused(change) else self._tx.fresh_change()
            self._open(branch, id_, pins)

    def _read_heads(self) -> dict[str, str | None]:
        names = {edge.input for edges in self._inputs.values() for edge in edges} | set(self._order)
        query = select(branches.c.key, branches.c.head).where(branches.c.key.in_(sorted(names)))
        return {row.key: row.head for row in self._tx.all(query)} if names else {}

    def _read_pipelines(self, affected: Iterable[str]) -> dict[str, int]:
        names = sorted(affected)
        if not names:
            return {}
        query = select(pipelines.c.output, pipelines.c.version).where(
            pipelines.c.output.in_(names), pipelines.c.stopped.is_(False)
        )
        return {row.output: row.version for row in self._tx.all(query)}

    def _pins(self, branch: str) -> list[CommitPin]:
        """Return the heads of the inputs; those without a commit yet are left out."""
        return [
            CommitPin(branch=branch_key(edge.input), id=CommitId(head))
            for edge in self._inputs.get(branch, [])
            if (head := self._heads.get(edge.input)) is not None
        ]

    def _is_due(self, branch: str, pins: list[CommitPin]) -> bool:
        if self._stale.get(branch, False):
            return True
        edges = self._inputs.get(branch, [])
        if branch not in self._stale and not any(
            edge.propagate and edge.input in self._touched for edge in edges
        ):
            return False
        head = self._heads.get(branch)
        if head is None:
            return True
        ref = (branch.partition("@")[0], head)
        # A superset is fine: a commit may have read more than the branch declares by now.
        return not set(pins) <= set(pins_of(self._tx, [ref]).get(ref, []))

    def _is_unused(self, change: CommitId) -> bool:
        """Return whether no repo below has a commit of that id: else all of it gets a new one."""
        repos = {branch.partition("@")[0] for branch in self._order}
        query = select(commits.c.repo).where(commits.c.id == change, commits.c.repo.in_(repos))
        return self._tx.first(query) is None

    def _open(self, branch: str, id_: CommitId, pins: list[CommitPin]) -> None:
        tx, key = self._tx, branch_key(branch)
        head = self._heads[branch]
        insert_commit(tx, key, id_=id_, origin="auto", parent=head, columns={})
        insert_pins(tx, key.repo, id_, pins)
        move_head(tx, key, old=head, new=id_, change=None)
        self._heads[branch] = id_
        self._touched.add(branch)
        states = find_states(tx, [(pin.branch.repo.full, pin.id) for pin in pins])
        if branch in self._pipelines:
            ready = all(state == "finished" for state in states.values())
            insert_job(
                tx,
                branch.partition("@")[0],
                id_,
                version=self._pipelines[branch],
                output=branch,
                state="starting" if ready else "created",
            )
        for (repo, pinned), state in states.items():
            if state == "error":
                fail_unrunnable(tx, key, id_, blame=f"{repo}@{pinned}")
                break

"""How a draft becomes a commit: whole, on top of whatever the branch's head is by then.

Order: objects first, row last (docs/internals/ordering.md). A head that moved meanwhile costs
another round; the last round holds the catalog's write lock, so a writer always gets through. Where
the catalog's answer was lost it is read back by the commit's id, so that nothing lands twice.
"""

from collections.abc import Sequence

from pfs_provider.catalog import branches, commits, history
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Commit, CommitPin
from pfs_provider.errors import ConflictError, ErrorCode, UnknownOutcomeError
from pfs_provider.refs.addresses import Address
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey
from pfs_provider.storage.apply import apply_changes, apply_deltas
from pfs_provider.storage.deltas import Delta, write_delta
from pfs_provider.storage.tree import find_entry
from pfs_provider.storage.values import TreeRef
from pfs_provider.versioning.drafts import Draft
from pfs_provider.versioning.trees import base_tree, open_tree
from pfs_provider.versioning.versions import Versions

__all__ = ["Landing", "attach_draft", "finish_commit", "land_draft"]

OPTIMISTIC_ROUNDS = 3
"""Rounds without the lock. More than a few means a crowd, and then waiting in line is quicker."""


class Landing:
    """What a commit will say of itself.

    ``may_exist``: an earlier try under this id may have landed; then that one is the commit.
    """

    __slots__ = ("id", "may_exist", "message", "provenance", "run")

    def __init__(
        self,
        commit_id: CommitId,
        *,
        message: str = "",
        provenance: Sequence[CommitPin] = (),
        run: dict[str, object] | None = None,
        may_exist: bool = False,
    ) -> None:
        self.id = commit_id
        self.may_exist = may_exist
        self.message = message
        self.provenance = provenance
        self.run = run


def land_draft(
    versions: Versions, key: BranchKey, draft: Draft, landing: Landing, *, tx: Tx | None = None
) -> Commit:
    """Make one finished commit of a draft and open everything downstream.

    Args:
        versions: Where.
        key: The branch; it is made if the repo has none of that name.
        draft: The changes. Its bytes are uploaded first.
        landing: The commit's id, message and provenance.
        tx: A transaction to be part of; None makes one.

    Returns:
        The finished commit.

    Raises:
        NotFoundError: ``repo-not-found``.
        RefusedError: ``output-branch``: only a job or its owner writes there.
        ConflictError: ``path-conflict``: a path would be file and directory; ``branch-moved``: a
            file that the draft appends to has changed meanwhile. Nothing was committed.
    """
    deltas = draft.finish()
    if tx is not None:
        return _land_locked(versions, tx, key, draft, landing)
    for _ in range(OPTIMISTIC_ROUNDS):
        with versions.catalog.read() as reading:
            landed = _find_landed(reading, key, landing)
            head, base = _head(reading, key)
        if landed is not None:
            return landed
        tree = _apply(versions, base, deltas, draft)
        try:
            with versions.catalog.write() as writing:
                return _land(writing, key, head, tree, landing)
        except UnknownOutcomeError:
            landing.may_exist = True
        except ConflictError as error:
            exists = landing.may_exist and error.code == ErrorCode.COMMIT_EXISTS
            if error.code != ErrorCode.BRANCH_MOVED and not exists:
                raise
    with versions.catalog.write() as writing:
        return _land_locked(versions, writing, key, draft, landing)


def attach_draft(versions: Versions, commit: Commit, draft: Draft) -> None:
    """Add a draft's changes to an open commit.

    Raises:
        ConflictError: ``commit-finished``: it was finished meanwhile; ``branch-moved``: a file that
            the draft appends to has changed meanwhile. Nothing was added.
    """
    names = tuple(write_delta(versions.storage, delta) for delta in draft.finish())
    n_before = 0
    try:
        with versions.catalog.write() as tx:
            n_before = len(commits.list_deltas(tx, commit.repo, commit.id))
            if draft.appended:
                there = commits.get_commit(tx, commit.repo, commit.id)
                _check_appended(versions, open_tree(versions, tx, there), draft)
            for name in names:
                commits.attach_delta(tx, commit.repo, commit.id, name)
    except UnknownOutcomeError:
        with versions.catalog.read() as tx:
            now = commits.list_deltas(tx, commit.repo, commit.id)
        if now[n_before : n_before + len(names)] != names:
            raise


def finish_commit(
    versions: Versions, address: Address, *, error: str | None = None, tx: Tx | None = None
) -> Commit:
    """Finish an open commit.

    Args:
        versions: Where.
        address: The open commit, or a branch that has one.
        error: Why nothing must build on it; None for a good commit.
        tx: A transaction to be part of; None makes one.

    Raises:
        NotFoundError: No such commit.
        ConflictError: ``commit-finished``: it is finished, or the branch has none open;
            ``path-conflict``: the commit stays open, so that it can be mended or deleted.
    """
    if tx is not None:
        return _finish_locked(versions, tx, address, error)
    for _ in range(OPTIMISTIC_ROUNDS):
        with versions.catalog.read() as reading:
            commit = _find_open(reading, address)
            names = commits.list_deltas(reading, commit.repo, commit.id)
            head, base = _head(reading, BranchKey(commit.repo, commit.branch), open_commit=commit)
        tree = apply_deltas(versions.storage, base, names)
        try:
            with versions.catalog.write() as writing:
                if commits.list_deltas(writing, commit.repo, commit.id) != names:
                    continue
                return _finish(writing, commit, head, tree, error)
        except UnknownOutcomeError:
            with versions.catalog.read() as reading:
                there = commits.get_commit(reading, commit.repo, commit.id)
            if there.is_finished:
                return there
        except ConflictError as conflict:
            if conflict.code != ErrorCode.BRANCH_MOVED:
                raise
    with versions.catalog.write() as writing:
        return _finish_locked(versions, writing, address, error)


def _head(
    tx: Tx, key: BranchKey, *, open_commit: Commit | None = None
) -> tuple[CommitId | None, TreeRef]:
    branch = branches.find_branch(tx, key)
    if open_commit is not None and (branch is None or branch.open_commit != open_commit.id):
        # A downstream commit: it is the head itself, and builds on its parent.
        base = history.base_commit(tx, open_commit)
        return None if branch is None else branch.head, base_tree(tx, base)
    head = None if branch is None or branch.head is None else branch.head
    commit = None if head is None else commits.get_commit(tx, key.repo, head)
    return head, base_tree(tx, commit)


def _land_locked(
    versions: Versions, tx: Tx, key: BranchKey, draft: Draft, landing: Landing
) -> Commit:
    landed = _find_landed(tx, key, landing)
    if landed is not None:
        return landed
    head, base = _head(tx, key)
    return _land(tx, key, head, _apply(versions, base, draft.finish(), draft), landing)


def _find_landed(tx: Tx, key: BranchKey, landing: Landing) -> Commit | None:
    """Return the commit that an earlier try made, None if there is none."""
    found = commits.find_commit(tx, key.repo, landing.id) if landing.may_exist else None
    if found is None or found.branch != key.name or not found.is_finished:
        return None
    return found


def _land(tx: Tx, key: BranchKey, head: CommitId | None, tree: TreeRef, landing: Landing) -> Commit:
    return commits.land_commit(
        tx,
        key,
        id=landing.id,
        message=landing.message,
        provenance=landing.provenance,
        tree=tree.text,
        n_files=tree.n_files,
        size=tree.size,
        expected_head=head,
        run=landing.run,
    )


def _finish_locked(versions: Versions, tx: Tx, address: Address, error: str | None) -> Commit:
    commit = _find_open(tx, address)
    head, base = _head(tx, BranchKey(commit.repo, commit.branch), open_commit=commit)
    tree = apply_deltas(versions.storage, base, commits.list_deltas(tx, commit.repo, commit.id))
    return _finish(tx, commit, head, tree, error)


def _finish(
    tx: Tx, commit: Commit, head: CommitId | None, tree: TreeRef, error: str | None
) -> Commit:
    if commit.origin == "auto":
        return commits.finish_downstream(
            tx,
            commit.repo,
            commit.id,
            tree=tree.text,
            n_files=tree.n_files,
            size=tree.size,
            error=error,
        )
    return commits.finish_commit(
        tx,
        commit.repo,
        commit.id,
        tree=tree.text,
        n_files=tree.n_files,
        size=tree.size,
        expected_head=head,
        error=error,
    )


def _find_open(tx: Tx, address: Address) -> Commit:
    if address.commit is None:
        branch = branches.get_branch(tx, address.branch_key)
        if branch.open_commit is not None:
            return commits.get_commit(tx, address.repo, branch.open_commit)
    commit = history.resolve_commit(tx, address)
    if commit.state not in {"open", "finishing"}:
        raise ConflictError(
            ErrorCode.COMMIT_FINISHED,
            f"{commit.repo}@{commit.id} is finished already: start another commit",
            commit=commit.id,
        )
    return commit


def _apply(versions: Versions, base: TreeRef, deltas: Sequence[Delta], draft: Draft) -> TreeRef:
    _check_appended(versions, base, draft)
    tree = base
    for delta in deltas:
        tree = apply_changes(versions.storage, tree, deletes=delta.deletes, rows=delta.rows)
    return tree


def _check_appended(versions: Versions, base: TreeRef, draft: Draft) -> None:
    """Refuse a draft whose appends were made to other bytes than those of the base."""
    for path, digest in draft.appended.items():
        entry = find_entry(versions.storage, base, path)
        if (None if entry is None else entry.digest) != digest:
            raise ConflictError(
                ErrorCode.BRANCH_MOVED,
                f"{path} changed while it was appended to: repeat the append",
                path=path,
            )

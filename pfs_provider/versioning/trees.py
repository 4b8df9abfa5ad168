"""From a commit to its tree: what a reader sees, and what the next commit builds on.

Invariants: a finished commit has its tree in its row; an open one is its base with its deltas so
far. A branch name means its newest finished commit when reading, so nothing half-done is ever seen.
"""

from pfs_provider.catalog import branches, commits, history
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Commit
from pfs_provider.errors import ErrorCode, NotFoundError
from pfs_provider.refs.addresses import Address
from pfs_provider.refs.ancestry import Back
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey
from pfs_provider.storage.apply import apply_deltas
from pfs_provider.storage.values import EMPTY_TREE, TreeRef, parse_tree_ref
from pfs_provider.versioning.versions import Versions

__all__ = ["base_tree", "commit_tree", "open_tree", "read_commit", "read_head"]

READABLE_STATES = frozenset({"finished", "error"})


def read_commit(versions: Versions, address: Address) -> tuple[Commit | None, TreeRef]:
    """Return the commit that an address means to a reader, and its tree.

    Args:
        versions: Where to look.
        address: A branch means its newest finished commit. Its path is not looked at.

    Returns:
        The commit, None for a branch without any finished commit, and its tree.

    Raises:
        NotFoundError: ``repo-not-found``, ``branch-not-found`` or ``commit-not-found``.
    """
    with versions.catalog.read() as tx:
        if address.commit is None and address.ancestry == Back(0):
            branch = branches.get_branch(tx, address.branch_key)
            if branch.head is None:
                return None, EMPTY_TREE
        try:
            commit = history.resolve_commit(tx, address, readable=True)
        except NotFoundError as error:
            # The first job of a branch is still running: there is nothing to read yet.
            if error.code == ErrorCode.COMMIT_NOT_FOUND and _plain_branch(address):
                return None, EMPTY_TREE
            raise
        return commit, _tree_of(versions, tx, commit)


def read_head(
    versions: Versions, key: BranchKey, *, before: CommitId | None = None
) -> tuple[CommitId | None, TreeRef]:
    """Return a branch's head and the tree that the next commit builds on; None if it has none.

    The tree is that of the nearest commit without an error, for errored commits are not built upon.

    Args:
        versions: Where to look.
        key: Which branch.
        before: Where the repo has a commit of this id, what that one was built on is returned.
    """
    with versions.catalog.read() as tx:
        made = None if before is None else commits.find_commit(tx, key.repo, before)
        if made is not None:
            return made.parent, base_tree(tx, history.base_commit(tx, made))
        branch = branches.find_branch(tx, key)
        if branch is None or branch.head is None:
            return None, EMPTY_TREE
        return branch.head, base_tree(tx, commits.get_commit(tx, key.repo, branch.head))


def base_tree(tx: Tx, head: Commit | None) -> TreeRef:
    """Return the tree that a child of ``head`` builds on."""
    if head is not None and (head.state != "finished" or head.error):
        head = history.base_commit(tx, head)
    return EMPTY_TREE if head is None else parse_tree_ref(head.tree)


def commit_tree(versions: Versions, commit: Commit) -> TreeRef:
    """Return a commit's tree; an open commit's is what has been written so far."""
    with versions.catalog.read() as tx:
        return _tree_of(versions, tx, commit)


def _tree_of(versions: Versions, tx: Tx, commit: Commit) -> TreeRef:
    if commit.state in READABLE_STATES:
        return parse_tree_ref(commit.tree) if commit.tree else EMPTY_TREE
    return open_tree(versions, tx, commit)


def open_tree(versions: Versions, tx: Tx, commit: Commit) -> TreeRef:
    """Return what has been written so far into an open commit."""
    names = commits.list_deltas(tx, commit.repo, commit.id)
    base = history.base_commit(tx, commit)
    return apply_deltas(
        versions.storage, EMPTY_TREE if base is None else parse_tree_ref(base.tree), names
    )


def _plain_branch(address: Address) -> bool:
    return address.commit is None and address.ancestry == Back(0)

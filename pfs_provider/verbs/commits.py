"""Verbs over commits, and the context that gathers one."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from pfs_provider.catalog import branches, commits, events, history, removal, repos
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Commit, CommitPin
from pfs_provider.errors import ConflictError, ErrorCode, RefusedError, UnavailableError
from pfs_provider.infos import CommitInfo
from pfs_provider.refs.addresses import Address, parse_address, parse_branch
from pfs_provider.refs.ids import CommitId, parse_id
from pfs_provider.refs.names import BranchKey, parse_repo_key
from pfs_provider.refs.paths import parse_path
from pfs_provider.storage.values import EMPTY_TREE, TreeRef
from pfs_provider.verbs.session import Session
from pfs_provider.versioning.drafts import Draft, Progress
from pfs_provider.versioning.files import find_commits
from pfs_provider.versioning.landing import Landing, finish_commit, land_draft
from pfs_provider.versioning.sources import Source
from pfs_provider.versioning.trees import read_commit, read_head
from pfs_provider.versioning.versions import Versions

__all__ = ["CommitVerbs", "CommitWriter", "pins_of"]

WAIT_POLL_S = 0.2


class CommitWriter:
    """Gathers one commit. Nothing of it is visible before the block ends; an exception drops it.

    ``id`` is the id of the commit, of its change, and of every job that it will cause.
    """

    def __init__(self, versions: Versions, draft: Draft, commit_id: CommitId) -> None:
        self.id = commit_id
        self._versions = versions
        self._draft: Draft | None = draft

    def put_file(self, path: str, source: Source, *, append: bool = False) -> None:
        """Put one file.

        Args:
            path: Where, absolute.
            source: A local path or URL (``str``, ``Path``), bytes, or a binary file.
            append: Add to what is there instead of replacing it.
        """
        self._writable().put_file(parse_path(path), source, append=append)

    def put_tree(self, path: str, folder: str | Path) -> None:
        """Put a local folder's contents below ``path``."""
        self._writable().put_tree(parse_path(path), Path(folder))

    def delete_file(self, path: str) -> None:
        """Delete a file or all below a directory. Raises NotFoundError ``file-not-found``."""
        self._writable().delete_file(parse_path(path))

    def copy_file(self, path: str, source: str) -> None:
        """Copy a file or directory of any commit to ``path``, by reference: no bytes move."""
        address = parse_address(source)
        _, tree = read_commit(self._versions, address)
        self._writable().copy_entries(parse_path(path), tree, address.file_path)

    def copy_stored(self, path: str, tree: TreeRef) -> None:
        """Copy all files of a tree that lies in the store below ``path``, by reference."""
        if tree != EMPTY_TREE:
            self._writable().copy_entries(parse_path(path), tree, parse_path("/"))

    def close(self) -> None:
        """Take no more. Idempotent; the end of the block does it."""
        self._draft = None

    def _writable(self) -> Draft:
        if self._draft is None:
            raise ConflictError(
                ErrorCode.COMMIT_FINISHED,
                f"commit {self.id} ended with its block: start another one",
                commit=self.id,
            )
        return self._draft


class CommitVerbs(Session):
    """Commits and transactions."""

    @contextmanager
    def commit(
        self,
        branch: str,
        *,
        message: str = "",
        provenance: Sequence[str] = (),
        run: Mapping[str, object] | None = None,
        progress: Progress | None = None,
        commit_id: str | None = None,
    ) -> Iterator[CommitWriter]:
        """Gather one commit in a ``with`` block; it lands whole when the block ends, or not at all.

        Args:
            branch: ``[project/]repo@branch``; the branch is made if need be.
            message: For people.
            provenance: Commits that this one was made of, ``repo@branch`` or ``repo@id``.
            run: Facts of an external run, such as an Airflow DAG and task.
            progress: Told how many files and bytes of a folder are stored.
            commit_id: An id of the caller's own, which a retry has too: whatever the first try came
                to, there will be one commit. None makes a new one.

        Raises:
            NotFoundError: ``repo-not-found``, or a commit of ``provenance``.
            RefusedError: ``output-branch``: only jobs write there.
            ConflictError: A path would be file and directory. Nothing was committed.
        """
        key = parse_branch(branch)
        self._check_branch(key)
        own = self._parse_own(commit_id)
        _, base = read_head(self._versions, key, before=own)
        versions = self._versions
        draft = Draft(versions.storage, base, progress=progress, stats=versions.stats)
        writer = CommitWriter(self._versions, draft, own or self._new_id())
        try:
            yield writer
            self._land(key, draft, Landing(
                writer.id,
                message=message,
                provenance=self._pins(provenance),
                run=None if run is None else dict(run),
                may_exist=own is not None,
            ))  # fmt: skip
        except BaseException:
            draft.abort()
            raise
        finally:
            writer.close()

    def start_commit(
        self, branch: str, *, message: str = "", provenance: Sequence[str] = ()
    ) -> CommitInfo:
        """Open a commit that later calls write to and ``finish_commit`` closes.

        Raises:
            ConflictError: ``commit-open``: the branch has one open already.
        """
        key, new_id, pins = parse_branch(branch), self._new_id(), self._pins(provenance)
        return self._act(
            lambda tx: commits.start_commit(tx, key, id=new_id, message=message, provenance=pins)
        ).info()

    def finish_commit(self, ref: str, *, error: str | None = None) -> CommitInfo:
        """Finish an open commit: ``repo@branch`` or ``repo@id``.

        Args:
            ref: Which.
            error: Why nothing must build upon it; None for a good commit.

        Raises:
            ConflictError: ``commit-finished``: it is not open.
        """
        address = parse_address(ref)
        if self._acts is None:
            return finish_commit(self._versions, address, error=error).info()
        return self._act(
            lambda tx: finish_commit(self._versions, address, error=error, tx=tx)
        ).info()

    def inspect_commit(self, ref: str) -> CommitInfo:
        """Return one commit. Raises NotFoundError."""
        return self._commit(ref).info()

    def list_commits(self, repo: str, *, limit: int | None = None) -> list[CommitInfo]:
        """Return the commits of ``[project/]repo`` or ``repo@branch``, newest first."""
        if "@" in repo:
            key = parse_branch(repo)
            with self._versions.catalog.read() as tx:
                branches.get_branch(tx, key)
                found = history.list_commits(tx, key.repo, branch=key.name, limit=limit)
        else:
            with self._versions.catalog.read() as tx:
                found = history.list_commits(tx, parse_repo_key(repo), limit=limit)
        return [commit.info() for commit in found]

    def list_change(self, change: str) -> list[CommitInfo]:
        """Return all commits of one change."""
        with self._versions.catalog.read() as tx:
            return [commit.info() for commit in commits.list_change(tx, parse_id(change))]

    def find_commits(self, address: str) -> Iterator[CommitInfo]:
        """Yield the commits of ``repo@branch:/path`` that changed the path, newest first."""
        return (commit.info() for commit in find_commits(self._versions, parse_address(address)))

    def squash_commit(self, change: str) -> None:
        """Remove a change's commits, their data moves into their children."""
        checked = parse_id(change)
        self._act(lambda tx: removal.squash_change(tx, checked))

    def delete_commit(self, change: str) -> None:
        """Remove a change's commits with their data; heads fall back. Only without children.

        Args:
            change: The change's id; ``repo@branch`` or ``repo@id`` gives up one open commit.
        """
        if "@" in change:
            self._give_up(parse_address(change))
            return
        checked = parse_id(change)
        self._act(lambda tx: removal.delete_change(tx, checked))

    def wait_commit(self, ref: str, *, timeout: float | None = None) -> CommitInfo:
        """Return a commit when it is finished.

        Args:
            ref: Which.
            timeout: Seconds; None waits for ever.

        Raises:
            UnavailableError: ``timed-out``: not finished in time.
        """
        clock = self._versions.clock
        end = None if timeout is None else clock.monotonic() + timeout
        commit = self._commit(ref)
        while not commit.is_finished:
            if end is not None and clock.monotonic() > end:
                raise UnavailableError(
                    ErrorCode.TIMED_OUT,
                    f"{ref} is not finished after {timeout} s: is something running its job?",
                    commit=commit.id,
                )
            clock.sleep(WAIT_POLL_S)
            with self._versions.catalog.read() as tx:
                commit = commits.get_commit(tx, commit.repo, commit.id)
        return commit.info()

    def subscribe_commits(
        self, branch: str, *, after: int | None = None, poll: float = 1.0
    ) -> Iterator[CommitInfo]:
        """Yield the finished commits of a branch as they come, for ever, each once.

        Args:
            branch: ``[project/]repo@branch``.
            after: Number of an event to begin after; None begins with the branch's history.
            poll: Seconds between looks.

        Raises:
            NotFoundError: ``repo-missing``; a branch may come later.
        """
        key = parse_branch(branch)
        with self._versions.catalog.read() as tx:
            repos.get_repo(tx, key.repo)
        number = after or 0
        while True:
            with self._versions.catalog.read() as tx:
                found = events.list_events(tx, after=number)
                done = [
                    commits.find_commit(tx, key.repo, event.commit)
                    for event in found
                    if event.kind == "commit-finished" and event.commit
                    and (event.project, event.repo, event.branch)
                    == (key.repo.project, key.repo.name, key.name)
                ]  # fmt: skip
            yield from (commit.info() for commit in done if commit is not None)
            if found:
                number = found[-1].number
            else:
                self._versions.clock.sleep(poll)

    def transaction(self) -> "Transaction":
        """Do several acts as one: one change id, all or nothing, when the ``with`` block ends."""
        return Transaction(self)

    def _give_up(self, address: Address) -> None:
        with self._versions.catalog.read() as tx:
            open_id = address.commit
            if open_id is None:
                open_id = branches.get_branch(tx, address.branch_key).open_commit
        if open_id is None:
            raise ConflictError(
                ErrorCode.COMMIT_FINISHED,
                f"{address} has no open commit: delete a finished change by its id",
                address=str(address),
            )
        self._act(lambda tx: commits.drop_open_commit(tx, address.repo, open_id))

    def _commit(self, ref: str) -> Commit:
        address = parse_address(ref)
        with self._versions.catalog.read() as tx:
            return history.resolve_commit(tx, address)

    def _parse_own(self, commit_id: str | None) -> CommitId | None:
        if commit_id is None:
            return None
        if self._acts is not None:
            raise RefusedError(
                ErrorCode.ID_ILLEGAL,
                "a commit inside a transaction has the transaction's id: leave commit_id out",
            )
        return parse_id(commit_id)

    def _pins(self, refs: Sequence[str]) -> list[CommitPin]:
        with self._versions.catalog.read() as tx:
            return pins_of(tx, refs)

    def _check_branch(self, key: BranchKey) -> None:
        """Refuse what cannot be written to before any byte is uploaded."""
        if self._acts:
            return  # made in this very transaction, perhaps
        with self._versions.catalog.read() as tx:
            branch = branches.find_branch(tx, key)
            if branch is None:
                repos.get_repo(tx, key.repo)
            elif branch.provenance:
                raise RefusedError(
                    ErrorCode.OUTPUT_BRANCH,
                    f"{key} depends on {branch.provenance[0]}: only its jobs write there",
                    branch=key.full,
                )

    def _land(self, key: BranchKey, draft: Draft, landing: Landing) -> Commit:
        if self._acts is None:
            return land_draft(self._versions, key, draft, landing)
        return self._act(lambda tx: land_draft(self._versions, key, draft, landing, tx=tx))


class Transaction:
    """An open transaction: the façade's verbs called inside the block are part of it."""

    def __init__(self, session: CommitVerbs) -> None:
        self._session = session
        self.id: str = ""

    def __enter__(self) -> Self:
        self.id = self._session._begin()  # noqa: SLF001 - both are the façade
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session._end(keep=kind is None)  # noqa: SLF001 - both are the façade

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._session, name)


def pins_of(tx: Tx, refs: Sequence[str]) -> list[CommitPin]:
    """Return the commits that addresses mean to a reader, with their branches."""
    out: list[CommitPin] = []
    for ref in refs:
        commit = history.resolve_commit(tx, parse_address(ref), readable=True)
        if not commit.is_finished:
            raise RefusedError(
                ErrorCode.PROVENANCE_ILLEGAL,
                f"{ref} is not finished: a commit's provenance must be",
                commit=commit.id,
            )
        out.append(CommitPin(branch=BranchKey(commit.repo, commit.branch), id=commit.id))
    return out

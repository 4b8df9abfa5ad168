"""Verbs over files."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from pfs_provider.catalog import branches, commits, history, jobs
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Branch, Commit
from pfs_provider.errors import ConflictError, ErrorCode, RefusedError
from pfs_provider.infos import CommitInfo, DiffInfo, FileInfo
from pfs_provider.refs.addresses import Address, parse_address
from pfs_provider.refs.names import PipelineKey
from pfs_provider.refs.paths import PfsPath, join_path
from pfs_provider.verbs.commits import CommitVerbs
from pfs_provider.versioning import files
from pfs_provider.versioning.drafts import Draft, Progress
from pfs_provider.versioning.landing import Landing, attach_draft
from pfs_provider.versioning.sources import Source, source_name
from pfs_provider.versioning.trees import commit_tree, read_commit, read_head

__all__ = ["FileVerbs"]


class FileVerbs(CommitVerbs):
    """Reading and writing files."""

    def put_file(
        self, address: str, source: Source, *, append: bool = False, message: str = ""
    ) -> CommitInfo:
        """Put one file into the branch's open commit, or as a commit of its own.

        Args:
            address: ``repo@branch:/path``; without a path the source's own name is used.
            source: A local path or URL, bytes, or a binary file.
            append: Add to what is there.
            message: For people, of a commit of its own.
        """
        parsed = parse_address(address)
        path = _target(parsed, source)
        return self._change_files(
            parsed, lambda draft: draft.put_file(path, source, append=append), message
        )

    def put_tree(
        self,
        address: str,
        folder: str | Path,
        *,
        message: str = "",
        progress: Progress | None = None,
    ) -> CommitInfo:
        """Put a local folder's contents below the path, as ``put_file`` does."""
        parsed = parse_address(address)
        return self._change_files(
            parsed,
            lambda draft: draft.put_tree(parsed.file_path, Path(folder)),
            message,
            progress=progress,
        )

    def delete_file(self, address: str, *, message: str = "") -> CommitInfo:
        """Delete a file or all below a directory. Raises NotFoundError ``file-not-found``."""
        parsed = parse_address(address)
        return self._change_files(
            parsed, lambda draft: draft.delete_file(parsed.file_path), message
        )

    def copy_file(self, source: str, target: str, *, message: str = "") -> CommitInfo:
        """Copy a file or directory by reference, across repos and commits alike."""
        origin, parsed = parse_address(source), parse_address(target)
        _, tree = read_commit(self._versions, origin)
        path = parsed.file_path if parsed.path is not None else origin.file_path
        return self._change_files(
            parsed, lambda draft: draft.copy_entries(path, tree, origin.file_path), message
        )

    def list_files(self, address: str) -> Iterator[FileInfo]:
        """Yield a directory's children in path order, or the file; directories end in ``/``."""
        return files.list_files(self._versions, parse_address(address))

    def glob_files(self, address: str, pattern: str) -> Iterator[FileInfo]:
        """Yield what a glob matches, in path order: ``/**`` all files, ``/*`` directories too."""
        return files.glob_files(self._versions, parse_address(address), pattern)

    def inspect_file(self, address: str) -> FileInfo:
        """Return one file or directory. Raises NotFoundError ``file-not-found``."""
        return files.inspect_file(self._versions, parse_address(address))

    def open(self, address: str) -> BinaryIO:
        """Open one file for reading: binary, seekable, every byte verified."""
        return files.open_file(self._versions, parse_address(address))

    def read_file(self, address: str) -> bytes:
        """Return one file's bytes."""
        with self.open(address) as stream:
            return stream.read()

    def get_file(self, address: str, target: str | Path) -> None:
        """Write one file to a local path, whole or not at all."""
        files.get_file(self._versions, parse_address(address), Path(target))

    def get_tree(
        self, address: str, folder: str | Path, *, progress: Progress | None = None
    ) -> int:
        """Write a directory's contents below a local folder and return the number of files."""
        return files.get_tree(
            self._versions, parse_address(address), Path(folder), progress=progress
        )

    def diff_files(self, new: str, old: str | None = None) -> Iterator[DiffInfo]:
        """Yield the files that differ between two commits; ``old`` is the parent by default."""
        other = None if old is None else parse_address(old)
        return files.diff_files(self._versions, parse_address(new), other)

    def _change_files(
        self,
        address: Address,
        change: Callable[[Draft], None],
        message: str,
        *,
        progress: Progress | None = None,
    ) -> CommitInfo:
        open_commit = self._find_open(address)
        if open_commit is None:
            key = address.branch_key
            self._check_branch(key)
            _, base = read_head(self._versions, key)
        else:
            base = commit_tree(self._versions, open_commit)
        versions = self._versions
        draft = Draft(versions.storage, base, progress=progress, stats=versions.stats)
        try:
            change(draft)
            if open_commit is None:
                landing = Landing(self._new_id(), message=message)
                return self._land(address.branch_key, draft, landing).info()
            attach_draft(self._versions, open_commit, draft)
            return open_commit.info()
        except BaseException:
            draft.abort()
            raise

    def _find_open(self, address: Address) -> Commit | None:
        """Return the open commit that a write to the address goes into; None makes a new one."""
        with self._versions.catalog.read() as tx:
            if address.commit is None:
                branch = branches.find_branch(tx, address.branch_key)
                if branch is None:
                    return None
                if branch.open_commit is not None:
                    return commits.get_commit(tx, address.repo, branch.open_commit)
                return _find_to_fill(tx, branch)
            commit = history.resolve_commit(tx, address)
        if commit.is_finished:
            raise ConflictError(
                ErrorCode.COMMIT_FINISHED,
                f"{commit.repo}@{commit.id} is finished: write to {commit.repo}@{commit.branch}",
                commit=commit.id,
            )
        return commit


def _find_to_fill(tx: Tx, branch: Branch) -> Commit | None:
    """Return the commit that provenance opened on a branch for a user to fill, if there is one."""
    if not branch.provenance or branch.head is None:
        return None
    repo = branch.key.repo
    head = commits.get_commit(tx, repo, branch.head)
    is_job = jobs.find_job(tx, PipelineKey(repo.project, repo.name), head.id) is not None
    return None if head.is_finished or is_job else head


def _target(address: Address, source: Source) -> PfsPath:
    if address.path is not None and address.path != "/":
        return address.path
    name = source_name(str(source)) if isinstance(source, str | Path) else ""
    if not name:
        raise RefusedError(
            ErrorCode.PATH_ILLEGAL, f"{address} names no file: add :/PATH", path=str(address)
        )
    return join_path(address.file_path, name)

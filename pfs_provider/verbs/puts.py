"""Putting several sources in one commit: which path each of them gets."""

from collections.abc import Sequence
from pathlib import Path

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.infos import CommitInfo
from pfs_provider.refs.addresses import parse_address
from pfs_provider.refs.paths import PfsPath, join_path
from pfs_provider.verbs.files import FileVerbs
from pfs_provider.versioning.drafts import Draft, Progress
from pfs_provider.versioning.sources import Source, is_url, source_name

__all__ = ["PutVerbs"]


class PutVerbs(FileVerbs):
    """Several files and folders as one commit."""

    def put_sources(
        self,
        address: str,
        sources: Sequence[Source],
        *,
        append: bool = False,
        message: str = "",
        progress: Progress | None = None,
    ) -> CommitInfo:
        """Put sources into the branch's open commit, or all together as a commit of its own.

        A folder's contents come below the path. A single file gets the path as its own, unless
        that is missing or ends in ``/``; otherwise files get their own names below it.

        Args:
            address: ``repo@branch[:/path]``.
            sources: Local paths, folders too; URLs; bytes or binary files, which need a path.
            append: Add to the files that are there; not for folders.
            message: For people, of a commit of its own.
            progress: Told how many files and bytes of a folder are stored.

        Raises:
            NotFoundError: ``source-not-found``, ``repo-not-found``, ``branch-not-found``.
            RefusedError: ``source-illegal``, ``path-illegal``, ``output-branch``. Nothing was
                committed.
        """
        parsed = parse_address(address)
        base = parsed.file_path
        inside = base == "/" or len(sources) > 1 or address.endswith("/")
        plan = [
            (_target(base, _local(source), inside=inside), _local(source)) for source in sources
        ]
        if append and any(_is_folder(source) for source in sources):
            raise RefusedError(
                ErrorCode.SOURCE_ILLEGAL, "a folder cannot be appended: append its files one by one"
            )

        def change(draft: Draft) -> None:
            for path, source in plan:
                if isinstance(source, Path) and source.is_dir():
                    draft.put_tree(path, source)
                else:
                    draft.put_file(path, source, append=append)

        return self._change_files(parsed, change, message, progress=progress)


def _local(source: Source) -> Source:
    """Return a local path as Path, so that its mode counts; all else as it is."""
    return Path(source) if isinstance(source, str) and not is_url(source) else source


def _is_folder(source: Source) -> bool:
    local = _local(source)
    return isinstance(local, Path) and local.is_dir()


def _target(base: PfsPath, source: Source, *, inside: bool) -> PfsPath:
    if not inside or _is_folder(source):
        return base
    name = source_name(str(source)) if isinstance(source, str | Path) else ""
    if not name:
        raise RefusedError(
            ErrorCode.PATH_ILLEGAL,
            "what comes from a stream has no name of its own: give it a path, REPO@BRANCH:/PATH",
            path=base,
        )
    return join_path(base, name)

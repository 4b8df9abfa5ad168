"""Commits what a spout of Pachyderm up to 1.11 writes into ``/pfs/out``: each archive is a commit.

``python -m pfs_provider.worker.tar_commits BRANCH``, with the settings of a client, reads lines
``COMMIT_ID MARKER_COMMIT_ID FILE`` and answers each with a line when it has done with that archive;
its standard error is for the command's log. Invariants: an archive lands whole or not at all; the
marker, which tells how far the spout has come, lands after the files that it stands for. Must not
know: who writes.
"""

import argparse
import os
import posixpath
import signal
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

from pfs_provider.clock import Clock, SystemClock
from pfs_provider.errors import (
    ConflictError,
    ErrorCode,
    NotFoundError,
    PfsError,
    UnavailableError,
    UnknownOutcomeError,
)
from pfs_provider.pfs import Pfs
from pfs_provider.refs.addresses import parse_branch
from pfs_provider.worker.tar_stream import forget_members

__all__ = ["MARKER_BRANCH", "TarCommits", "TarTarget", "main"]

MARKER_BRANCH = "marker"
"""Of the spout's own repo; Pachyderm kept its markers there."""
FIRST_PAUSE_S, MAX_PAUSE_S = 0.5, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TarTarget:
    """Where archives go.

    Args:
        branch: ``[project/]repo@branch`` of the files.
        overwrite: A file replaces the one of its name; it is appended to it otherwise.
        marker: Name of the file or folder that is kept apart; empty for none.
    """

    branch: str
    overwrite: bool = False
    marker: str = ""

    @property
    def marker_branch(self) -> str:
        """Where the marker is kept."""
        return f"{parse_branch(self.branch).repo}@{MARKER_BRANCH}"

    def is_marker(self, path: str) -> bool:
        """Return whether a file of this path tells how far the spout has come."""
        return bool(self.marker) and f"{path}/".startswith(f"/{self.marker}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class TarCommits:
    """Makes commits of archives.

    Args:
        pfs: Where.
        target: Which branches, and how.
        clock: The time.
        tell: Told in a sentence what waits or is left out.
        is_orphan: Whether nobody waits for an answer any more.
    """

    pfs: Pfs
    target: TarTarget
    clock: Clock
    tell: Callable[[str], None]
    is_orphan: Callable[[], bool] = lambda: False

    def fetch_marker(self, folder: Path) -> None:
        """Put the marker into a folder, as the last archive that had one left it, if any did."""
        name = self.target.marker
        source = f"{self.target.marker_branch}:/{name}"
        try:
            is_folder = self.pfs.inspect_file(source).type == "dir"
        except NotFoundError:
            return
        if is_folder:
            self.pfs.get_tree(source, folder / name)
        else:
            self.pfs.get_file(source, folder / name)

    def land(self, archive: BinaryIO, ids: tuple[str, str]) -> None:
        """Commit an archive, again and again while that may help; what cannot be is told.

        Args:
            archive: It can be read from anywhere in it.
            ids: Of the commit of its files, and of its marker's.
        """
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                self._commit(archive, ids)
            except (UnavailableError, UnknownOutcomeError, ConflictError) as error:
                if error.code == ErrorCode.PATH_CONFLICT or self.is_orphan():
                    self.tell(f"an archive is left out: {error}")
                    return
                self.tell(f"an archive waits: {error}; it is tried again in {pause_s:g} s")
                self.clock.sleep(pause_s)
                pause_s = min(2 * pause_s, MAX_PAUSE_S)
            except PfsError as error:
                self.tell(f"an archive is left out: {error}")
                return
            else:
                return

    def _commit(self, archive: BinaryIO, ids: tuple[str, str]) -> None:
        """Commit the files, then the marker; with equal ids, once however often it is tried."""
        branches = self.target.branch, self.target.marker_branch
        for is_marker, branch, commit_id in zip((False, True), branches, ids, strict=True):
            files = self._files(archive, is_marker=is_marker)
            first = next(files, None)
            if first is None:
                continue
            append = not self.target.overwrite and not is_marker
            with self.pfs.commit(branch, commit_id=commit_id) as commit:
                for path, body in chain([first], files):
                    commit.put_file(path, body, append=append)

    def _files(self, archive: BinaryIO, *, is_marker: bool) -> Iterator[tuple[str, BinaryIO]]:
        """Yield path and content of the files that are part of the marker, or are not."""
        archive.seek(0)
        with tarfile.open(fileobj=archive, mode="r:") as tar:
            while (member := tar.next()) is not None:
                path = posixpath.normpath(f"/{member.name}")
                if self.target.is_marker(path) == is_marker:
                    if body := tar.extractfile(member) if member.isreg() else None:
                        with body:
                            yield path, cast("BinaryIO", body)
                    elif not member.isdir():
                        self.tell(f"{path} of an archive is left out: it is no file of its own")
                forget_members(tar)


def main(arguments: Sequence[str] | None = None) -> int:
    """Commit the archives that standard input names, or fetch the marker; return the exit code."""
    parser = argparse.ArgumentParser(prog="pfs-tar-commits", description=__doc__)
    parser.add_argument("branch", metavar="REPO@BRANCH")
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument("--marker", default="")
    parser.add_argument("--fetch", metavar="FOLDER", help="put the marker there, and end")
    parsed = parser.parse_args(arguments)
    target = TarTarget(branch=parsed.branch, overwrite=parsed.overwrite, marker=parsed.marker)
    # Who started it ends it, by the end of its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()
    try:
        with Pfs() as pfs:
            commits = TarCommits(
                pfs=pfs,
                target=target,
                clock=SystemClock(),
                tell=_tell,
                is_orphan=lambda: os.getppid() != parent,
            )
            if parsed.fetch:
                commits.fetch_marker(Path(parsed.fetch))
                return 0
            for line in sys.stdin:
                commit_id, marker_id, path = line.rstrip("\n").split(" ", 2)
                with Path(path).open("rb") as archive:
                    commits.land(archive, (commit_id, marker_id))
                sys.stdout.write("done\n")
                sys.stdout.flush()
    except PfsError as error:
        _tell(f"{error} [{error.code}]")
        return 1
    return 0


def _tell(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())

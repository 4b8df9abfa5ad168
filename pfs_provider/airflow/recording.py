"""A ``Pfs`` that tells Airflow which branches a task read and wrote: hook lineage.

Invariants: each branch is told once for reading and once for writing, whatever the number of files;
where nobody collects lineage nothing is asked; telling never fails what the task does.
Must not know: who collects.
"""

from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pfs_provider.airflow.uris import asset_uri
from pfs_provider.errors import PfsError
from pfs_provider.infos import CommitInfo
from pfs_provider.pfs import Pfs
from pfs_provider.refs.addresses import parse_address
from pfs_provider.refs.names import BranchKey, RepoKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import BaseHook

    from pfs_provider.verbs.commits import CommitWriter

__all__ = ["RecordingPfs"]


class RecordingPfs(Pfs):
    """What ``PfsHook`` gives a task while somebody collects lineage.

    Args:
        hook: Who reads and writes.
        collector: Airflow's hook lineage collector.
        settings: As for ``Pfs``.
    """

    def __init__(self, hook: "BaseHook", collector: Any, **settings: Any) -> None:
        super().__init__(**settings)
        self._hook = hook
        self._collector = collector
        self._told: set[tuple[str, str]] = set()

    def open(self, address: str) -> BinaryIO:
        """Return a file to read. See ``Pfs.open``."""
        self._tell_read(address)
        return super().open(address)

    def get_file(self, address: str, target: str | Path) -> None:
        """Write a file to a local path. See ``Pfs.get_file``."""
        self._tell_read(address)
        super().get_file(address, target)

    def get_tree(self, address: str, *arguments: Any, **options: Any) -> Any:
        """Write a tree to a local folder. See ``Pfs.get_tree``."""
        self._tell_read(address)
        return super().get_tree(address, *arguments, **options)

    @contextmanager
    def commit(self, branch: str, **options: Any) -> "Iterator[CommitWriter]":
        """Gather one commit. See ``Pfs.commit``."""
        with super().commit(branch, **options) as writer:
            yield writer
        self._tell_written(f"{branch.partition('@')[0]}@{writer.id}")

    def _change_files(self, *arguments: Any, **options: Any) -> CommitInfo:
        """Change files of a branch; all verbs that put, copy or delete come through here."""
        made = super()._change_files(*arguments, **options)
        self._tell("output", made)
        return made

    def _tell_read(self, address: str) -> None:
        with suppress(PfsError):
            parsed = parse_address(address)
            ref = f"{parsed.repo.full}@{address.partition('@')[2].partition(':')[0]}"
            if ("read", ref) not in self._told:
                self._told.add(("read", ref))
                self._tell("input", self.inspect_commit(ref))

    def _tell_written(self, ref: str) -> None:
        with suppress(PfsError):
            self._tell("output", self.inspect_commit(ref))

    def _tell(self, direction: str, commit: CommitInfo) -> None:
        uri = asset_uri(BranchKey(RepoKey(commit.project, commit.repo), commit.branch))
        if (direction, uri) in self._told:
            return
        self._told.add((direction, uri))
        add = getattr(self._collector, f"add_{direction}_asset")
        add(
            context=self._hook,
            scheme="pfs",
            asset_kwargs={"uri": uri},
            asset_extra={"commit": commit.id},
        )

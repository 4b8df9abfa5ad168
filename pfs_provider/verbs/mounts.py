"""Verbs for commits in pods that know the store only: what to put there, and what came of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pfs_provider.errors import ConflictError, ErrorCode, FailedError, NotFoundError
from pfs_provider.infos import CommitInfo
from pfs_provider.refs.addresses import parse_address
from pfs_provider.storage.values import parse_tree_ref
from pfs_provider.verbs.commits import CommitVerbs
from pfs_provider.versioning.trees import read_commit

__all__ = ["MountVerbs", "Mounted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounted:
    """A commit as a pod takes it: ``project/repo@id``, and its tree's text."""

    commit: str
    tree: str


class MountVerbs(CommitVerbs):
    """Commits in pods (worker/mounts.py)."""

    def mount_commit(self, ref: str) -> Mounted:
        """Return what a pod needs to put a commit's files somewhere, without the catalog.

        Raises:
            NotFoundError: ``commit-not-found``: a branch has none yet, or there is no such.
        """
        commit, tree = read_commit(self._versions, parse_address(ref))
        if commit is None:
            raise NotFoundError(
                ErrorCode.COMMIT_NOT_FOUND, f"{ref} has no commit yet: put a file into it"
            )
        return Mounted(commit=f"{commit.repo.full}@{commit.id}", tree=tree.text)

    def commit_mounted(
        self,
        branch: str,
        key: str,
        *,
        provenance: Sequence[str] = (),
        run: Mapping[str, object] | None = None,
        commit_id: str | None = None,
        message: str = "",
    ) -> CommitInfo:
        """Make one commit of what a pod kept; no byte moves.

        Args:
            branch: ``[project/]repo@branch``.
            key: The object in which the pod told.
            provenance: Commits that it was made of.
            run: Facts of the run.
            commit_id: The caller's own, so that a repeat makes no second commit.
            message: For people.

        Raises:
            ConflictError: ``job-not-ready``: the pod has told nothing yet.
            FailedError: ``worker-failed``: it could not keep what is there, and why.
        """
        try:
            told = json.loads(bytes(self._jobs.objects.read(key)))
        except NotFoundError:
            raise ConflictError(
                ErrorCode.JOB_NOT_READY, f"the pod has not told what it kept ({key}) yet", key=key
            ) from None
        if "error" in told:
            raise FailedError(ErrorCode.WORKER_FAILED, f"what the pod wrote: {told['error']}")
        tree = parse_tree_ref(told["tree"])
        with self.commit(
            branch, message=message, provenance=provenance, run=run, commit_id=commit_id
        ) as commit:
            commit.copy_stored("/", tree)
        repo = parse_address(branch).repo.full
        return self.inspect_commit(f"{repo}@{commit.id}")

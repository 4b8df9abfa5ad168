"""The verb behind an ad-hoc map: a command over the pieces of one commit, without a spec.

Invariants: beneath it is a pipeline all the same, so that results are kept, skipped and traced like
any other's; it reads a branch of its own, so that commits elsewhere cause it no job. Asked for
again it is the same job, unless that one failed.
"""

from collections.abc import Mapping
from typing import Any

from pfs_provider.catalog import branches, history, pipelines
from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog.values import Job, Pipeline
from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.infos import JobInfo
from pfs_provider.jobs.keys import parse_pipeline_key
from pfs_provider.refs.addresses import parse_address
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import BranchKey, PipelineKey
from pfs_provider.spec.load import load_specs
from pfs_provider.verbs.pipelines import PipelineVerbs
from pfs_provider.verbs.repos import RepoVerbs

__all__ = ["MapVerbs"]

MARK = "made by pfs map"
"""In the description of a pipeline that a map may change."""


class MapVerbs(RepoVerbs, PipelineVerbs):
    """Ad-hoc maps."""

    def prepare_map(
        self,
        output: str,
        source: str,
        *,
        transform: Mapping[str, Any],
        glob: str = "/*",
        workers: int | None = None,
    ) -> JobInfo:
        """Return the job that runs a command over the pieces of a commit, made if need be.

        Args:
            output: Repo that takes the results, ``[project/]repo``; made if it is missing.
            source: The input: ``repo@branch`` or ``repo@id``.
            transform: A spec's ``transform``: image, cmd, stdin, env, …
            glob: What is one piece.
            workers: How many; None leaves it to the default.

        Raises:
            NotFoundError: The input does not exist, or has no commit.
            RefusedError: ``spec-illegal`` or ``glob-illegal`` naming the field.
            ConflictError: ``pipeline-exists`` or ``repo-exists``: the output belongs to a pipeline,
                or holds commits of somebody else.
        """
        key = parse_pipeline_key(output)
        with self._versions.catalog.read() as tx:
            commit = history.resolve_commit(tx, parse_address(source), readable=True)
        branch = BranchKey(commit.repo, f"map-{key.project}-{key.name}")
        document = _document(key, branch, glob=glob, transform=transform, workers=workers)
        load_specs(document)  # what is wrong with it is told before a branch is made
        old = self._find_map(key)
        if old is None or not _is_same(old, document):
            self._save_map(branch, commit.id, document)
        elif self._head(branch) != commit.id:
            self._point(branch, commit.id)
        newest = self._newest(key)
        if newest is None or newest.state in {"failure", "killed", "unrunnable"}:
            self.rerun_pipeline(str(key))
            newest = self._newest(key)
        assert newest is not None  # noqa: S101 a pipeline over a commit has a job
        return newest.info()

    def _save_map(self, branch: BranchKey, commit: CommitId, document: Mapping[str, Any]) -> None:
        self._begin()
        try:
            self._point(branch, commit)
            self.update_pipeline(document)
        except BaseException:
            self._end(keep=False)
            raise
        self._end(keep=True)

    def _point(self, branch: BranchKey, commit: CommitId) -> None:
        self.create_branch(branch.full, head=f"{branch.repo.full}@{commit}")

    def _head(self, branch: BranchKey) -> str | None:
        with self._versions.catalog.read() as tx:
            found = branches.find_branch(tx, branch)
        return None if found is None else found.head

    def _newest(self, key: PipelineKey) -> Job | None:
        with self._versions.catalog.read() as tx:
            found = job_rows.list_jobs(tx, key, limit=1)
        return found[0] if found else None

    def _find_map(self, key: PipelineKey) -> Pipeline | None:
        with self._versions.catalog.read() as tx:
            found = pipelines.find_pipeline(tx, key)
        if found is not None and load_specs(found.spec)[0].spec.description != MARK:
            raise ConflictError(
                ErrorCode.PIPELINE_EXISTS,
                f"{key} is a pipeline with a spec of its own: name another output",
                pipeline=str(key),
            )
        return found


def _document(
    key: PipelineKey,
    branch: BranchKey,
    *,
    glob: str,
    transform: Mapping[str, Any],
    workers: int | None,
) -> dict[str, Any]:
    read = {
        "project": branch.repo.project,
        "repo": branch.repo.name,
        "branch": branch.name,
        "glob": glob,
    }
    document: dict[str, Any] = {
        "pipeline": {"name": key.name, "project": {"name": key.project}},
        "description": MARK,
        "input": {"pfs": read},
        "transform": dict(transform),
    }
    if workers:
        document["parallelism_spec"] = {"constant": workers}
    return document


def _is_same(old: Pipeline, document: Mapping[str, Any]) -> bool:
    return load_specs(old.spec)[0].spec == load_specs(document)[0].spec

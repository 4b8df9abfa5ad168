"""PfsBackfillOperator: a job of a pipeline for each commit of an input's history."""

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from pfs_provider.airflow.error_table import airflow_errors
from pfs_provider.airflow.hook import DEFAULT_CONNECTION, PfsHook
from pfs_provider.airflow.landings import commits_between
from pfs_provider.airflow.spec_folder import file_inputs
from pfs_provider.errors import ErrorCode, NotFoundError, RefusedError
from pfs_provider.refs.addresses import parse_branch
from pfs_provider.refs.names import BranchKey, RepoKey, parse_repo_key
from pfs_provider.spec.load import load_specs

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pfs_provider.pfs import Pfs

__all__ = ["PfsBackfillOperator", "history_spec"]

SUFFIX = "_history"


class PfsBackfillOperator(BaseOperator):
    """Make jobs that process each commit of a branch as it was, oldest first.

    A pipeline's own jobs process heads, and its input branch must not be moved back under it. So
    the jobs belong to a second pipeline with the same code, which reads a branch of its own; that
    branch is moved through the history. Each output commit has the id of the commit that it was
    made of. Run the jobs with a ``PfsPipelineOperator`` of that pipeline. Other inputs are read
    as they are now.

    Idempotent: a commit that has its job already is passed over, in whatever state that is.

    Args:
        pipeline: ``[project/]pipeline`` whose code is used.
        source: ``[project/]repo@branch`` whose history is processed; None takes the pipeline's only
            input.
        into: Name of the second pipeline and its output repo; None adds ``_history``.
        since: Id of the first commit; empty means from the beginning.
        until: Id of the last commit; empty means up to the head.
        pfs_conn_id: The Airflow connection.

    The XCom result lists the ids of the commits that got a job.
    """

    template_fields: Sequence[str] = ("pipeline", "source", "into", "since", "until")

    def __init__(
        self,
        *,
        pipeline: str,
        source: str | None = None,
        into: str | None = None,
        since: str = "",
        until: str = "",
        pfs_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline = pipeline
        self.source = source
        self.into = into
        self.since = since
        self.until = until
        self.pfs_conn_id = pfs_conn_id

    def execute(self, context: "Context") -> list[str]:
        """Make the jobs that are missing."""
        with airflow_errors(), PfsHook(self.pfs_conn_id).get_conn() as pfs:
            document = pfs.pipeline_spec(self.pipeline)
            into = parse_repo_key(self.into or f"{self.pipeline}{SUFFIX}")
            source = self._find_source(document)
            replayed = BranchKey(source.repo, f"{into.name}-replay")
            spec = history_spec(document, source, replayed, into)
            commits = commits_between(pfs, source, since=self.since, until=self.until)
            missing = [commit.id for commit in commits if not _has_job(pfs, into, commit.id)]
            if missing:
                _see_to(pfs, spec)
            for commit in missing:
                pfs.create_branch(replayed.full, head=f"{source.repo.full}@{commit}")
        self.log.info("%s: %d of %d commits got a job", into, len(missing), len(commits))
        return missing

    def _find_source(self, document: Mapping[str, Any]) -> BranchKey:
        if self.source is not None:
            return parse_branch(self.source)
        inputs = {part.branch_key for part in file_inputs(load_specs(document)[0].spec)}
        if len(inputs) != 1:
            names = ", ".join(sorted(str(key) for key in inputs)) or "no branch"
            raise RefusedError(
                ErrorCode.SETTINGS_ILLEGAL,
                f"{self.pipeline} reads {names}: say in source whose history is processed",
            )
        return inputs.pop()


def history_spec(
    document: Mapping[str, Any], source: BranchKey, replayed: BranchKey, into: RepoKey
) -> dict[str, Any]:
    """Return a spec with another name, that reads ``replayed`` wherever it read ``source``.

    Args:
        document: A spec in its normal form.
        source: The branch whose history is processed.
        replayed: The branch that is moved through it.
        into: Name of the new pipeline.

    Raises:
        RefusedError: ``settings-illegal``: the spec does not read ``source``.
    """
    spec = copy.deepcopy(dict(document))
    spec.pop("salt", None)
    spec["pipeline"] = {"project": {"name": into.project}, "name": into.name}
    project = load_specs(document)[0].spec.key.project
    if not _redirect(spec["input"], source, replayed, project):
        raise RefusedError(
            ErrorCode.SETTINGS_ILLEGAL,
            f"the pipeline does not read {source}: name one of its inputs in source",
        )
    return spec


def _redirect(node: dict[str, Any], source: BranchKey, replayed: BranchKey, project: str) -> int:
    """Change the inputs in place and return how many were changed."""
    ((kind, body),) = node.items()
    if isinstance(body, list):
        return sum(_redirect(part, source, replayed, project) for part in body)
    if kind != "pfs":
        return 0
    repo = RepoKey(body.get("project") or project, body["repo"])
    if BranchKey(repo, body.get("branch") or "master") != source:
        return 0
    body["name"] = body.get("name") or body["repo"]
    body["project"], body["branch"] = source.repo.project, replayed.name
    return 1


def _has_job(pfs: "Pfs", into: RepoKey, commit: str) -> bool:
    try:
        return pfs.inspect_job(f"{into.full}@{commit}").id == commit
    except NotFoundError:
        return False


def _see_to(pfs: "Pfs", spec: dict[str, Any]) -> None:
    """Create the second pipeline unless it is there; its code stays what it was then."""
    key = load_specs(spec)[0].spec.key
    try:
        pfs.inspect_pipeline(f"{key.project}/{key.name}")
    except NotFoundError:
        pfs.create_pipeline(spec)

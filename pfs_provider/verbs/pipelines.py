"""Verbs over pipelines."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pfs_provider.catalog import history, jobs, pipelines, replay
from pfs_provider.catalog.propagation import propagate
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Job, Pipeline
from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.infos import JobInfo, PipelineInfo
from pfs_provider.jobs.keepers import as_kept
from pfs_provider.jobs.keys import parse_pipeline_key
from pfs_provider.jobs.ticks import drop_cron_repos, put_ticks_now
from pfs_provider.refs.addresses import parse_address
from pfs_provider.refs.ancestry import Back, FromStart, parse_ancestry
from pfs_provider.refs.names import PipelineKey
from pfs_provider.spec.load import LoadedSpec, load_specs
from pfs_provider.verbs.defaults import DefaultsVerbs
from pfs_provider.verbs.saving import SpecSource, get_user_spec, parse_document
from pfs_provider.verbs.trigger_branches import drop_trigger_branches

__all__ = ["PipelineVerbs", "SpecSource", "validate_pipeline"]


def validate_pipeline(spec: SpecSource) -> list[LoadedSpec]:
    """Return the specs of a source, checked, with their warnings; needs no repos and no catalog.

    Raises:
        RefusedError: ``spec-illegal`` with the field's path and the way out.
    """
    return load_specs(spec)


class PipelineVerbs(DefaultsVerbs):
    """Pipelines."""

    def create_pipeline(self, spec: SpecSource, *, all_commits: bool = False) -> list[PipelineInfo]:
        """Make the pipelines of a spec, all or none, with a job on the inputs' heads.

        What a spec leaves out comes from the defaults of its project and of all.

        Args:
            spec: Where it is, or what it says.
            all_commits: A job for every commit that the inputs have had, oldest first, each under
                the id of its change, instead of one on the heads.

        Raises:
            RefusedError: ``spec-illegal``; ``provenance-illegal``: it would depend on itself.
            ConflictError: ``pipeline-exists`` or ``repo-exists``.
            NotFoundError: ``repo-not-found``: an input repo.
        """
        loaded = self.read_specs(spec)
        saved = self._save(loaded, update=False, reprocess=False, all_commits=all_commits)
        return [info.info() for info in saved]

    def update_pipeline(
        self, spec: SpecSource, *, reprocess: bool = False, all_commits: bool = False
    ) -> list[PipelineInfo]:
        """Give pipelines a new version, or make those that do not exist.

        Args:
            spec: As for ``create_pipeline``.
            reprocess: Work all datums again, whatever the memo knows.
            all_commits: As for ``create_pipeline``; what has run under a change's id runs again
                under a new one.
        """
        loaded = self.read_specs(spec)
        saved = self._save(loaded, update=True, reprocess=reprocess, all_commits=all_commits)
        return [info.info() for info in saved]

    def inspect_pipeline(self, name: str) -> PipelineInfo:
        """Return one pipeline, as it is or as an earlier version had it.

        Args:
            name: ``[project/]pipeline``; ``^`` or ``^2`` behind it means one or two versions ago,
                ``.2`` its second version.

        Raises:
            NotFoundError: ``pipeline-not-found``: no such pipeline, or not so many versions.
        """
        with self._versions.catalog.read() as tx:
            return self._as_kept(tx, _get_version(tx, name)).info()

    def pipeline_spec(self, name: str, *, user: bool = False) -> dict[str, Any]:
        """Return a pipeline's spec in its normal form.

        Args:
            name: As for ``inspect_pipeline``.
            user: As its author wrote it, without the defaults.
        """
        with self._versions.catalog.read() as tx:
            found = _get_version(tx, name)
            return get_user_spec(tx, found) if user else parse_document(found.spec)

    def list_pipelines(
        self, project: str | None = None, *, name: str | None = None, history: int | None = 0
    ) -> list[PipelineInfo]:
        """Return all pipelines, or those of one project, by name; each version newest first.

        Args:
            project: Only of this one.
            name: Only this pipeline, ``[project/]pipeline``.
            history: How many versions before the newest are returned too; None means all. A
                version then says when it was made and how its own last job is.

        Raises:
            NotFoundError: ``project-not-found`` or ``pipeline-not-found``.
        """
        key = None if name is None else parse_pipeline_key(name)
        with self._versions.catalog.read() as tx:
            found = pipelines.list_pipelines(tx, project, key=key, history=history)
            return [self._as_kept(tx, one).info() for one in found]

    def _as_kept(self, tx: Tx, found: Pipeline) -> Pipeline:
        return as_kept(tx, found, lease_s=self._jobs.lease_s)

    def start_pipeline(self, name: str) -> PipelineInfo:
        """Let a stopped pipeline go on; it gets a job if its inputs moved."""
        key = parse_pipeline_key(name)
        return self._act(lambda tx: pipelines.start_pipeline(tx, key)).info()

    def stop_pipeline(self, name: str) -> PipelineInfo:
        """Kill a pipeline's jobs and let new commits cause none."""
        key = parse_pipeline_key(name)
        return self._act(lambda tx: pipelines.stop_pipeline(tx, key)).info()

    def delete_pipeline(self, name: str, *, keep_repo: bool = False, force: bool = False) -> None:
        """Delete a pipeline with its jobs and, unless ``keep_repo``, its output repo."""
        key = parse_pipeline_key(name)

        def delete(tx: Tx) -> None:
            spec = load_specs(pipelines.get_pipeline(tx, key).spec)[0].spec
            pipelines.delete_pipeline(tx, key, keep_repo=keep_repo, force=force)
            drop_cron_repos(tx, spec)
            drop_trigger_branches(tx, spec)

        self._act(delete)

    def run_pipeline(self, name: str, commits: str | Sequence[str]) -> JobInfo:
        """Open a job on chosen commits, and return it; ``run`` works it.

        Its output is no head, and nothing downstream follows: read it as ``pipeline@id``.

        Args:
            name: ``[project/]pipeline``.
            commits: One or several: ``repo@branch``, ``repo@id`` or ``repo@branch=id``, with
                ancestry; of inputs that are not named it reads the heads.

        Raises:
            NotFoundError: ``pipeline-not-found``, or a commit is not there.
            ConflictError: ``in-use``: it is stopped; ``commit-open``.
            RefusedError: ``provenance-illegal``: a commit is of no input, or has an error.
        """
        key = parse_pipeline_key(name)
        texts = [commits] if isinstance(commits, str) else commits
        chosen = [parse_address(text) for text in texts]

        def run(tx: Tx) -> Job:
            found = [history.resolve_commit(tx, one) for one in chosen]
            return replay.run_on_commits(tx, key, found)

        return self._act(run).info()

    def run_cron(self, name: str) -> JobInfo:
        """Let a pipeline's cron inputs tick now, once each, and return the job; ``run`` works it.

        Args:
            name: ``[project/]pipeline``.

        Raises:
            NotFoundError: ``pipeline-not-found``, or ``cron-not-found``: it has no cron input.
            ConflictError: ``in-use``: it is stopped; ``commit-open``: a commit that this
                transaction started is not finished, so no job can be opened yet.
        """
        key = parse_pipeline_key(name)
        id_ = self._new_id()

        def tick(tx: Tx) -> Job:
            before = jobs.list_jobs(tx, key, limit=1)
            put_ticks_now(self._versions, tx, key, id_)
            propagate(tx)  # what follows looks at the job
            newest = jobs.list_jobs(tx, key, limit=1)
            if newest == before:
                raise ConflictError(
                    ErrorCode.COMMIT_OPEN,
                    f"the ticks of {key} cause no job while a commit of this transaction is open: "
                    "finish it first",
                    pipeline=name,
                )
            return newest[0]

        return self._act(tick).info()

    def rerun_pipeline(self, name: str, *, reprocess: bool = False) -> PipelineInfo:
        """Make a new job on the inputs' heads with the spec as it is.

        Args:
            name: ``[project/]pipeline``.
            reprocess: Work all datums again, whatever the memo knows: a version of its own.

        Raises:
            NotFoundError: ``pipeline-not-found``.
            ConflictError: ``in-use``: it is stopped.
        """
        key = parse_pipeline_key(name)
        if not reprocess:
            return self._act(partial(_rerun, key=key)).info()
        with self._versions.catalog.read() as tx:
            found = pipelines.get_pipeline(tx, key)
            written = get_user_spec(tx, found)
        [same] = load_specs(
            parse_document(found.spec)
        )  # as it is, whatever the defaults are by now
        again = [replace(same, written=written)]
        return self._save(again, update=True, reprocess=True)[0].info()


def _get_version(tx: Tx, name: str) -> Pipeline:
    """Return the pipeline that ``[project/]pipeline`` names, with ancestry over its versions."""
    base, ancestry = parse_ancestry(name)
    key = parse_pipeline_key(base)
    newest = pipelines.get_pipeline(tx, key)
    match ancestry:
        case Back(steps=0):
            return newest
        case Back(steps=steps):
            version = newest.version - steps
        case FromStart(number=number):
            version = number
    return pipelines.get_pipeline(tx, key, version=version)


def _rerun(tx: Tx, *, key: PipelineKey) -> Pipeline:
    pipelines.rerun_pipeline(tx, key)
    propagate(tx)  # as above
    return pipelines.get_pipeline(tx, key)

"""Verbs over pipelines."""

from dataclasses import replace
from functools import partial
from typing import Any

from pfs_provider.catalog import pipelines
from pfs_provider.catalog.propagation import propagate
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Pipeline
from pfs_provider.infos import PipelineInfo
from pfs_provider.jobs.keys import parse_pipeline_key
from pfs_provider.jobs.ticks import drop_cron_repos
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

    def create_pipeline(self, spec: SpecSource) -> list[PipelineInfo]:
        """Make the pipelines of a spec, all or none, with a job on the inputs' heads.

        What a spec leaves out comes from the defaults of its project and of all.

        Raises:
            RefusedError: ``spec-illegal``; ``provenance-illegal``: it would depend on itself.
            ConflictError: ``pipeline-exists`` or ``repo-exists``.
            NotFoundError: ``repo-not-found``: an input repo.
        """
        loaded = self.read_specs(spec)
        return [info.info() for info in self._save(loaded, update=False, reprocess=False)]

    def update_pipeline(self, spec: SpecSource, *, reprocess: bool = False) -> list[PipelineInfo]:
        """Give pipelines a new version, or make those that do not exist.

        Args:
            spec: As for ``create_pipeline``.
            reprocess: Work all datums again, whatever the memo knows.
        """
        loaded = self.read_specs(spec)
        return [info.info() for info in self._save(loaded, update=True, reprocess=reprocess)]

    def inspect_pipeline(self, name: str) -> PipelineInfo:
        """Return one pipeline. Raises NotFoundError ``pipeline-not-found``."""
        with self._versions.catalog.read() as tx:
            return pipelines.get_pipeline(tx, parse_pipeline_key(name)).info()

    def pipeline_spec(self, name: str, *, user: bool = False) -> dict[str, Any]:
        """Return a pipeline's spec in its normal form.

        Args:
            name: ``[project/]pipeline``.
            user: As its author wrote it, without the defaults.
        """
        with self._versions.catalog.read() as tx:
            found = pipelines.get_pipeline(tx, parse_pipeline_key(name))
            return get_user_spec(tx, found) if user else parse_document(found.spec)

    def list_pipelines(self, project: str | None = None) -> list[PipelineInfo]:
        """Return all pipelines, or those of one project, by name."""
        with self._versions.catalog.read() as tx:
            return [found.info() for found in pipelines.list_pipelines(tx, project)]

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


def _rerun(tx: Tx, *, key: PipelineKey) -> Pipeline:
    pipelines.rerun_pipeline(tx, key)
    propagate(tx)  # as above
    return pipelines.get_pipeline(tx, key)

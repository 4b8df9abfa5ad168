"""Verbs over pipelines."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

from pfs_provider.catalog import pipelines
from pfs_provider.catalog.propagation import propagate
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Pipeline, PipelineInput
from pfs_provider.infos import PipelineInfo
from pfs_provider.jobs.keys import parse_pipeline_key
from pfs_provider.jobs.ticks import drop_cron_repos, make_cron_repos
from pfs_provider.refs.names import PipelineKey
from pfs_provider.spec.load import LoadedSpec, load_specs
from pfs_provider.spec.model import pfs_inputs
from pfs_provider.spec.shorthand import input_text
from pfs_provider.verbs.session import Session
from pfs_provider.verbs.trigger_branches import drop_trigger_branches, make_trigger_branches

__all__ = ["PipelineVerbs", "SpecSource", "validate_pipeline"]

SpecSource = str | Path | Mapping[str, Any] | Sequence[Mapping[str, Any]] | IO[str] | IO[bytes]
"""A path or URL of a JSON or YAML file, the spec itself or several, or an open file."""


def validate_pipeline(spec: SpecSource) -> list[LoadedSpec]:
    """Return the specs of a source, checked, with their warnings; needs no repos and no catalog.

    Raises:
        RefusedError: ``spec-illegal`` with the field's path and the way out.
    """
    return load_specs(spec)


class PipelineVerbs(Session):
    """Pipelines."""

    def create_pipeline(self, spec: SpecSource) -> list[PipelineInfo]:
        """Make the pipelines of a spec, all or none, with a job on the inputs' heads.

        Raises:
            RefusedError: ``spec-illegal``; ``provenance-illegal``: it would depend on itself.
            ConflictError: ``pipeline-exists`` or ``repo-exists``.
            NotFoundError: ``repo-not-found``: an input repo.
        """
        loaded = load_specs(spec)
        return [info.info() for info in self._save(loaded, update=False, reprocess=False)]

    def update_pipeline(self, spec: SpecSource, *, reprocess: bool = False) -> list[PipelineInfo]:
        """Give pipelines a new version, or make those that do not exist.

        Args:
            spec: As for ``create_pipeline``.
            reprocess: Work all datums again, whatever the memo knows.
        """
        loaded = load_specs(spec)
        return [info.info() for info in self._save(loaded, update=True, reprocess=reprocess)]

    def inspect_pipeline(self, name: str) -> PipelineInfo:
        """Return one pipeline. Raises NotFoundError ``pipeline-not-found``."""
        with self._versions.catalog.read() as tx:
            return pipelines.get_pipeline(tx, parse_pipeline_key(name)).info()

    def pipeline_spec(self, name: str) -> dict[str, Any]:
        """Return a pipeline's spec in its normal form."""
        with self._versions.catalog.read() as tx:
            found = pipelines.get_pipeline(tx, parse_pipeline_key(name))
        document: dict[str, Any] = json.loads(found.spec)
        return document

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
        return self._save(load_specs(json.loads(found.spec)), update=True, reprocess=True)[0].info()

    def _save(self, specs: list[LoadedSpec], *, update: bool, reprocess: bool) -> list[Pipeline]:
        """Save the specs of a file, all or none; what the file asks for itself counts too."""
        loaded = [one for one in specs if not one.dry_run]
        if self._acts is not None or len(loaded) == 1:
            return [self._save_one(one, update=update, reprocess=reprocess) for one in loaded]
        self._begin()
        try:
            saved = [self._save_one(one, update=update, reprocess=reprocess) for one in loaded]
        except BaseException:
            self._end(keep=False)
            raise
        self._end(keep=True)
        return saved

    def _save_one(self, loaded: LoadedSpec, *, update: bool, reprocess: bool) -> Pipeline:
        spec = loaded.spec
        inputs = [
            PipelineInput(name=part.name, branch=part.branch_key, propagate=part.propagate)
            for part in pfs_inputs(spec.input)
        ]
        salt = self._new_id() if reprocess or loaded.reprocess else None

        def save(tx: Tx) -> Pipeline:
            old = pipelines.find_pipeline(tx, spec.key) if update or loaded.update else None
            verb = pipelines.create_pipeline if old is None else pipelines.update_pipeline
            make_cron_repos(tx, spec)
            make_trigger_branches(tx, spec)
            verb(
                tx,
                spec.key,
                spec=json.dumps(_salted(loaded.document, old, salt), sort_keys=True),
                inputs=inputs,
                input_text=input_text(spec.input),
                output_branch=spec.output_branch,
                description=spec.description,
            )
            if old is not None:
                drop_trigger_branches(tx, load_specs(old.spec)[0].spec, spec)
            propagate(tx)  # so that the job it causes is in what is given back
            return pipelines.get_pipeline(tx, spec.key)

        return self._act(save)


def _rerun(tx: Tx, *, key: PipelineKey) -> Pipeline:
    pipelines.rerun_pipeline(tx, key)
    propagate(tx)  # as above
    return pipelines.get_pipeline(tx, key)


def _salted(
    document: Mapping[str, Any], old: Pipeline | None, salt: str | None
) -> Mapping[str, Any]:
    """Return a spec with its salt: a new one, else the one it had, so that the memo stays good."""
    if salt is not None:
        return {**document, "salt": salt}
    before = None if old is None else json.loads(old.spec).get("salt")
    return document if before is None else {"salt": before, **document}

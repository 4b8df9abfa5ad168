"""Saving specs: what creating, updating and regenerating pipelines have in common.

Invariant: the specs of a file are saved all or none; what their authors wrote is kept beside them.
Must not know: which verb asks.
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

from pfs_provider.catalog import pipelines, user_specs
from pfs_provider.catalog.propagation import propagate
from pfs_provider.catalog.replay import replay_commits
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Pipeline, PipelineInput
from pfs_provider.jobs.ticks import make_cron_repos
from pfs_provider.spec.jsonnet import render_jsonnet
from pfs_provider.spec.load import LoadedSpec, load_specs
from pfs_provider.spec.model import pfs_inputs
from pfs_provider.spec.shorthand import input_text
from pfs_provider.verbs.session import Session
from pfs_provider.verbs.stored_defaults import stored_defaults
from pfs_provider.verbs.trigger_branches import drop_trigger_branches, make_trigger_branches

__all__ = ["SpecSaver", "SpecSource", "get_user_spec", "parse_document"]

SpecSource = str | Path | Mapping[str, Any] | Sequence[Mapping[str, Any]] | IO[str] | IO[bytes]
"""A path or URL of a JSON or YAML file, the spec itself or several, or an open file."""


class SpecSaver(Session):
    """Reads specs and saves them as versions of pipelines."""

    def render_specs(
        self, template: str | Path | IO[str] | IO[bytes], arguments: Mapping[str, str]
    ) -> list[Mapping[str, Any]]:
        """Return the specs that a Jsonnet template makes of its arguments.

        Raises:
            RefusedError: ``spec-illegal``: it cannot be rendered.
            NotFoundError: ``source-not-found``.
            UnavailableError: ``extra-missing``: the extra ``jsonnet`` is not installed.
        """
        return list(render_jsonnet(template, arguments))

    def read_specs(self, spec: SpecSource) -> list[LoadedSpec]:
        """Return the specs of a source, checked, with the defaults of cluster and project in them.

        Raises:
            RefusedError: ``spec-illegal`` with the field's path and the way out.
        """
        return load_specs(spec, defaults=stored_defaults(self._versions.catalog))

    def _save(
        self,
        specs: list[LoadedSpec],
        *,
        update: bool,
        reprocess: bool,
        all_commits: bool = False,
    ) -> list[Pipeline]:
        """Save the specs of a file, all or none; what the file asks for itself counts too."""
        loaded = [one for one in specs if not one.dry_run]
        save_one = partial(
            self._save_one, update=update, reprocess=reprocess, all_commits=all_commits
        )
        if self._acts is not None or len(loaded) == 1:
            return [save_one(one) for one in loaded]
        self._begin()
        try:
            saved = [save_one(one) for one in loaded]
        except BaseException:
            self._end(keep=False)
            raise
        self._end(keep=True)
        return saved

    def _save_one(
        self, loaded: LoadedSpec, *, update: bool, reprocess: bool, all_commits: bool
    ) -> Pipeline:
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
                kind=spec.kind,
            )
            saved = pipelines.get_pipeline(tx, spec.key)
            text = json.dumps(loaded.written, sort_keys=True, default=list)
            user_specs.put_user_spec(tx, spec.key, saved.version, text)
            if old is not None:
                drop_trigger_branches(tx, load_specs(old.spec)[0].spec, spec)
            if all_commits:
                tx.stale = [one for one in tx.stale if one.branch != saved.output.full]
                replay_commits(tx, spec.key)
            propagate(tx)  # so that the job it causes is in what is given back
            return pipelines.get_pipeline(tx, spec.key)

        return self._act(save)


def parse_document(text: str) -> dict[str, Any]:
    """Return a spec that the catalog keeps."""
    document: dict[str, Any] = json.loads(text)
    return document


def get_user_spec(tx: Tx, pipeline: Pipeline) -> dict[str, Any]:
    """Return what the author of a pipeline's version wrote, without defaults."""
    written = user_specs.find_user_spec(tx, pipeline.key, pipeline.version)
    return parse_document(written or pipeline.spec)


def _salted(
    document: Mapping[str, Any], old: Pipeline | None, salt: str | None
) -> Mapping[str, Any]:
    """Return a spec with its salt: a new one, else the one it had, so that the memo stays good."""
    if salt is not None:
        return {**document, "salt": salt}
    before = None if old is None else json.loads(old.spec).get("salt")
    return document if before is None else {"salt": before, **document}

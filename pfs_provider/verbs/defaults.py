"""Verbs over the defaults of specs, those of all projects and those of one.

Invariant: with its defaults every pipeline's spec is good, or the defaults are not taken. They are
no part of a transaction.
"""

import json
from collections.abc import Mapping
from typing import Any

from pfs_provider.catalog import pipelines
from pfs_provider.catalog.defaults import find_defaults, set_defaults
from pfs_provider.catalog.projects import get_project
from pfs_provider.spec.defaults import read_defaults
from pfs_provider.spec.load import LoadedSpec, load_specs
from pfs_provider.verbs.saving import SpecSaver, SpecSource, get_user_spec
from pfs_provider.verbs.stored_defaults import EVERYWHERE, stored_defaults

__all__ = ["DefaultsVerbs"]


class DefaultsVerbs(SpecSaver):
    """Defaults of specs."""

    def inspect_defaults(self, project: str | None = None) -> dict[str, Any]:
        """Return the defaults of a project, or those of all; empty if there are none.

        Raises:
            NotFoundError: ``project-not-found``.
        """
        with self._versions.catalog.read() as tx:
            if project is not None:
                get_project(tx, project)
            document: dict[str, Any] = json.loads(find_defaults(tx, project) or "{}")
        return document

    def update_defaults(
        self,
        defaults: SpecSource,
        *,
        project: str | None = None,
        regenerate: bool = False,
        reprocess: bool = False,
        dry_run: bool = False,
    ) -> list[str]:
        """Replace the defaults; return the pipelines whose specs come out otherwise with the new.

        Args:
            defaults: Fields of a spec, bare or below ``create_pipeline_request``.
            project: Whose; None means those of all projects, which are weaker.
            regenerate: Give those pipelines a new version now, instead of with their next update.
            reprocess: With that, work all their datums again.
            dry_run: Change nothing.

        Raises:
            RefusedError: ``spec-illegal``: in the defaults, or in a pipeline's spec with them.
            NotFoundError: ``project-not-found``; ``source-not-found``.
            ConflictError: ``in-use``: a transaction is open.
        """
        document, _ = read_defaults(defaults)
        changed = self._changed_by(document, project)
        names = [str(one.spec.key) for one in changed]
        if dry_run:
            return names
        text = json.dumps(document, sort_keys=True) if document else None
        self._begin()
        try:
            self._act(lambda tx: set_defaults(tx, project, text))
            if regenerate:
                self._save(changed, update=True, reprocess=reprocess)
        except BaseException:
            self._end(keep=False)
            raise
        self._end(keep=True)
        return names

    def delete_defaults(self, project: str | None = None, *, regenerate: bool = False) -> list[str]:
        """Remove the defaults; return the pipelines whose specs come out otherwise without."""
        return self.update_defaults({}, project=project, regenerate=regenerate)

    def _changed_by(self, document: Mapping[str, Any], project: str | None) -> list[LoadedSpec]:
        """Return the specs, with new defaults, of the pipelines that these change."""
        catalog = self._versions.catalog
        with catalog.read() as tx:
            found = [
                (json.loads(each.spec), get_user_spec(tx, each))
                for each in pipelines.list_pipelines(tx, project)
            ]
        defaults = stored_defaults(catalog, {project or EVERYWHERE: document})
        changed: list[LoadedSpec] = []
        for spec, written in found:
            [loaded] = load_specs(written, defaults=defaults)
            if _unsalted(loaded.document) != _unsalted(spec):
                changed.append(loaded)
        return changed


def _unsalted(document: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(document))
    plain.pop("salt", None)  # the salt of a reprocessing is no part of what was asked for
    return plain

"""Facets of our own in OpenLineage events. Imported only where its provider is installed."""

import attr
from openlineage.client.generated.base import RunFacet

__all__ = ["PfsJobsRunFacet"]


@attr.define
class PfsJobsRunFacet(RunFacet):
    """The jobs that a task ran, oldest first: names, version, state and counts of each."""

    jobs: list[dict[str, object]]

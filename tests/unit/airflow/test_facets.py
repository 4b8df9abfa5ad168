import attr
import pytest

pytest.importorskip("openlineage.client", reason="OpenLineage is not installed: make setup")

from pfs_provider.airflow.facets import PfsJobsRunFacet


def test_a_facet_of_our_own_has_what_the_specification_wants_of_all() -> None:
    facet = attr.asdict(PfsJobsRunFacet(jobs=[{"id": "a"}]))

    assert facet["jobs"] == [{"id": "a"}]
    assert facet["_producer"].startswith("http")
    assert facet["_schemaURL"].endswith("#/$defs/RunFacet")

"""Versions of pipelines as values."""

import pytest

from pfs_provider.catalog.pipeline_rows import pipeline_values, select_versions
from pfs_provider.catalog.tables import pipeline_versions
from tests.catalog_world import World


@pytest.mark.parametrize(
    ("since", "versions"),
    [(0, [3]), (1, [2, 3]), (9, [1, 2, 3]), (None, [1, 2, 3])],
    ids=["newest", "one before", "more than there are", "all"],
)
def test_so_many_versions_are_selected(
    world: World, since: int | None, versions: list[int]
) -> None:
    world.pipeline("P", "A")
    world.pipeline("P", "A", update=True)
    world.pipeline("P", "A", update=True)

    with world.catalog.read() as tx:
        rows = tx.all(select_versions(since=since).order_by(pipeline_versions.c.version))
        found = pipeline_values(tx, rows, as_of_version=True)

    assert [one.version for one in found] == versions

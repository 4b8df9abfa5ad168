from typing import Any

import pytest

from pfs_provider.catalog import pipelines, standing
from pfs_provider.catalog.transaction import Tx
from tests.catalog_world import World, pipe


def _make(tx: Tx, name: str, kind: Any) -> None:
    pipelines.create_pipeline(
        tx, pipe(name), spec="{}", inputs=[], input_text="", output_branch="master", kind=kind
    )


@pytest.fixture
def tx_of(world: World) -> World:
    with world.act() as tx:
        for name, kind in (("up", "transform"), ("web", "service"), ("tap", "spout")):
            _make(tx, name, kind)
    return world


def test_those_that_stand_are_listed_with_their_kinds(tx_of: World) -> None:
    with tx_of.act() as tx:
        assert standing.list_standing(tx) == {pipe("web"): "service", pipe("tap"): "spout"}
        assert standing.list_standing(tx, pipe("up")) == {}
        pipelines.stop_pipeline(tx, pipe("web"))
        assert standing.list_standing(tx) == {pipe("tap"): "spout"}
        assert len(standing.list_standing(tx, stopped=True)) == 2


def test_only_the_version_that_stands_is_noted(tx_of: World) -> None:
    with tx_of.act() as tx:
        assert standing.note_standing(tx, pipe("tap"), 1, "crashing", "it fell")
        found = pipelines.get_pipeline(tx, pipe("tap"))
        assert (found.state, found.reason) == ("crashing", "it fell")

        assert not standing.note_standing(tx, pipe("tap"), 2, "running")
        assert not standing.note_standing(tx, pipe("up"), 1, "crashing")
        assert not standing.note_standing(tx, pipe("gone"), 1, "running")
        pipelines.stop_pipeline(tx, pipe("tap"))
        assert not standing.note_standing(tx, pipe("tap"), 1, "running")
        assert pipelines.get_pipeline(tx, pipe("tap")).state == "paused"

from typing import Any

import pytest

from pfs_provider.catalog import pipelines, repos
from pfs_provider.errors import ConflictError, NotFoundError
from tests.catalog_world import World, at, pipe, repo


def test_pipelines_are_listed_by_name_with_their_last_job(world: World) -> None:
    world.land("A")
    for name in ("Q", "P"):
        world.pipeline(name, "A")
    world.work("failure")

    with world.catalog.read() as tx:
        found = pipelines.list_pipelines(tx, "default")
        with pytest.raises(NotFoundError):
            pipelines.list_pipelines(tx, "nowhere")

    assert [(p.key.name, p.info().last_job) for p in found] == [("P", "failure"), ("Q", "failure")]


def test_one_branch_may_be_two_inputs(world: World) -> None:
    world.land("A")

    made = world.pipeline("P", "A", "A@master")

    assert len(made.inputs) == 2
    assert made.inputs[0].branch == made.inputs[1].branch == at("A")
    assert len(world.jobs("P")[0].pins) == 1


def test_an_update_keeps_the_description_unless_it_brings_one(world: World) -> None:
    facts: dict[str, Any] = {
        "spec": "{}",
        "inputs": [],
        "input_text": "",
        "output_branch": "master",
    }
    with world.act() as tx:
        pipelines.create_pipeline(tx, pipe("P"), description="old", **facts)
        pipelines.update_pipeline(tx, pipe("P"), **facts)
        assert repos.get_repo(tx, repo("P")).description == "old"
        pipelines.update_pipeline(tx, pipe("P"), description="new", **facts)
        assert repos.get_repo(tx, repo("P")).description == "new"


def test_stopping_and_starting_twice_is_harmless(world: World) -> None:
    world.pipeline("P", "A")

    with world.act() as tx:
        assert pipelines.start_pipeline(tx, pipe("P")).stopped is False
        pipelines.stop_pipeline(tx, pipe("P"))
        assert pipelines.stop_pipeline(tx, pipe("P")).stopped is True
        with pytest.raises(ConflictError):
            pipelines.rerun_pipeline(tx, pipe("P"))

"""Inputs with a trigger, through the façade. Source: semantics 2.5."""

from typing import Any

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from tests.pfs_world import PfsWorld


def _spec(trigger: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "pipeline": {"name": "up"},
        "transform": {"cmd": ["copy"]},
        "input": {"pfs": {"repo": "in", "glob": "/*", "trigger": trigger, **more}},
    }


def _branches(world: PfsWorld) -> list[str]:
    return [branch.name for branch in world.pfs.list_branches("in")]


def test_an_input_with_a_trigger_reads_a_branch_of_the_pipelines_own(world: PfsWorld) -> None:
    world.pfs.create_pipeline(_spec({"commits": 2}))

    world.put(a="1")
    assert world.pfs.list_jobs("up") == []
    second = world.put(b="2")

    assert [job.id for job in world.pfs.list_jobs("up")] == [second]
    assert _branches(world) == ["master", "up-trigger-1"]
    branch = world.pfs.inspect_branch("in@up-trigger-1")
    assert branch.trigger is not None
    assert (branch.trigger["branch"], branch.trigger["commits"]) == ("master", 2)


def test_a_trigger_may_be_given_to_a_branch_that_is_named(world: PfsWorld) -> None:
    world.pfs.create_pipeline(_spec({"branch": "master", "size": "3"}, branch="ready"))

    world.put(a="1")
    assert world.pfs.list_jobs("up") == []
    world.put(b="22")

    assert len(world.pfs.list_jobs("up")) == 1


def test_an_update_changes_the_trigger_and_its_end_takes_the_branch_away(world: PfsWorld) -> None:
    world.pfs.create_pipeline(_spec({"commits": 2}))

    world.pfs.update_pipeline(_spec({"commits": 1}))
    change = world.put(a="1")
    assert [job.id for job in world.pfs.list_jobs("up")] == [change]

    world.pfs.update_pipeline(_spec({}) | {"input": {"pfs": {"repo": "in", "glob": "/*"}}})
    assert _branches(world) == ["master"]


def test_a_deleted_pipeline_leaves_no_branch_but_those_that_others_read(world: PfsWorld) -> None:
    world.pfs.create_pipeline(_spec({"commits": 2}))
    world.pfs.create_branch("in@late", trigger={"branch": "up-trigger-1"})
    world.pfs.delete_pipeline("up")
    assert "up-trigger-1" in _branches(world)

    world.pfs.delete_branch("in@late")
    world.pfs.create_pipeline(_spec({"commits": 2}))
    world.pfs.delete_pipeline("up")
    assert "up-trigger-1" not in _branches(world)


def test_a_branch_with_provenance_gets_no_trigger(world: PfsWorld) -> None:
    world.pfs.create_repo("raw")
    world.pfs.create_branch("in@derived", provenance=["raw@master"])

    with pytest.raises(RefusedError) as caught:
        world.pfs.create_pipeline(_spec({"commits": 1}, branch="derived"))

    assert caught.value.code == ErrorCode.PROVENANCE_ILLEGAL
    assert "leave the input's branch out" in str(caught.value)
    assert world.pfs.list_pipelines() == []


def test_what_is_refused_later_leaves_no_branch(world: PfsWorld) -> None:
    one, two = _spec({"commits": 1}), _spec({"commits": 2}, name="slow")

    with pytest.raises(RefusedError, match="branches of one repo"):
        world.pfs.create_pipeline(one | {"input": {"cross": [one["input"], two["input"]]}})

    assert _branches(world) == []

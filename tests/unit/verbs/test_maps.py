import pytest

from pfs_provider.errors import ConflictError, NotFoundError, RefusedError
from tests.pfs_world import PfsWorld

COPY = {"cmd": ["copy"]}


def test_a_map_runs_a_command_over_a_commit_and_is_traced(world: PfsWorld) -> None:
    change = world.put(a="1", b="2")

    job = world.pfs.prepare_map("out", "in@master", transform=COPY)
    ended = world.run_one()

    assert (ended.id, ended.processed) == (job.id, 2)
    assert world.read("out@master") == {"/a": "1", "/b": "2"}
    assert world.pfs.inspect_commit("out@master").provenance == (f"default/in@{change}",)


def test_the_same_map_again_is_the_same_job_and_another_commit_skips_what_was_done(
    world: PfsWorld,
) -> None:
    world.put(a="1")
    first = world.pfs.prepare_map("out", "in@master", transform=COPY)
    world.run()
    again = world.pfs.prepare_map("out", "in@master", transform=COPY)
    world.put(b="2")
    assert world.run() == []  # commits cause a map nothing by themselves

    third = world.pfs.prepare_map("out", "in@master", transform=COPY)
    ended = world.run_one()

    assert again.id == first.id
    assert third.id != first.id
    assert (ended.processed, ended.skipped) == (1, 1)


def test_a_map_that_failed_is_tried_again(world: PfsWorld) -> None:
    world.put(a="1")
    first = world.pfs.prepare_map("out", "in@master", transform={"cmd": ["fail"]})
    world.run()

    second = world.pfs.prepare_map("out", "in@master", transform={"cmd": ["fail"]})

    assert (second.id != first.id, second.state) == (True, "starting")


def test_another_command_is_a_job_of_its_own(world: PfsWorld) -> None:
    world.put(a="x")
    world.pfs.prepare_map("out", "in@master", transform=COPY)
    world.run()

    world.pfs.prepare_map("out", "in@master", transform={"cmd": ["upper"]}, workers=2)
    world.run()

    assert world.read("out@master") == {"/a": "X"}


def test_what_cannot_be_mapped_leaves_nothing(world: PfsWorld) -> None:
    world.put(a="1")
    before = world.pfs.last_event_number()

    with pytest.raises(NotFoundError):
        world.pfs.prepare_map("out", "nothing@master", transform=COPY)
    with pytest.raises(RefusedError, match="glob"):
        world.pfs.prepare_map("out", "in@master", transform=COPY, glob="/[")
    with pytest.raises(RefusedError):
        world.pfs.prepare_map("out", "in@master", transform={})

    assert world.pfs.last_event_number() == before


def test_the_output_of_others_is_left_alone(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(
        {
            "pipeline": {"name": "up"},
            "transform": COPY,
            "input": {"pfs": {"repo": "in", "glob": "/*"}},
        }
    )

    with pytest.raises(ConflictError, match="spec of its own"):
        world.pfs.prepare_map("up", "in@master", transform=COPY)

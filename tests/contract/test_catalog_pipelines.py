"""Pipelines over their lives: update, stop, start, rerun, delete; on every engine."""

from collections.abc import Iterator

import pytest

from pfs_provider.catalog import pipelines, repos
from pfs_provider.errors import ConflictError, NotFoundError
from tests.catalog_world import World, at, pipe, repo


@pytest.fixture
def world(catalog_url: str) -> Iterator[World]:
    world = World(catalog_url)
    world.repos("A", "B")
    yield world
    world.check()
    world.catalog.close()


def test_an_update_kills_what_runs_and_opens_a_job_at_once(world: World) -> None:
    world.pipeline("P", "A")
    change = world.land("A").id
    world.claim()

    updated = world.pipeline("P", "A", update=True)

    newest, oldest = world.jobs("P")
    assert updated.version == 2
    assert (oldest.id, oldest.state) == (change, "killed")
    assert (newest.state, newest.version) == ("starting", 2)
    assert newest.id != change
    with world.catalog.read() as tx:
        assert pipelines.get_pipeline(tx, pipe("P"), version=1).version == 1
        with pytest.raises(NotFoundError):
            pipelines.get_pipeline(tx, pipe("P"), version=3)


def test_an_update_may_change_the_inputs_and_the_output(world: World) -> None:
    world.land("A")
    read = world.land("B")
    world.pipeline("P", "A")

    world.pipeline("P", "B", update=True, output="out")

    assert world.look("P@out").provenance == (at("B"),)
    assert world.look("P").provenance == ()
    assert [pin.id for pin in world.jobs("P")[0].pins] == [read.id]


def test_a_stopped_pipeline_does_nothing_until_it_is_started(world: World) -> None:
    world.pipeline("P", "A")
    world.land("A")
    world.work()

    with world.act() as tx:
        assert pipelines.stop_pipeline(tx, pipe("P")).state == "paused"
    missed = world.land("A")
    world.pipeline("P", "A", update=True)
    assert len(world.jobs()) == 1
    with world.act() as tx:
        assert pipelines.start_pipeline(tx, pipe("P")).state == "running"

    assert [pin.id for pin in world.jobs("P")[0].pins] == [missed.id]
    assert len(world.jobs()) == 2


def test_starting_without_news_makes_no_job(world: World) -> None:
    world.pipeline("P", "A")
    world.land("A")
    world.work()

    with world.act() as tx:
        pipelines.stop_pipeline(tx, pipe("P"))
    with world.act() as tx:
        pipelines.start_pipeline(tx, pipe("P"))

    assert len(world.jobs()) == 1


def test_stopping_kills_and_starting_makes_up_for_it(world: World) -> None:
    world.pipeline("P", "A")
    world.land("A")
    world.claim()

    with world.act() as tx:
        pipelines.stop_pipeline(tx, pipe("P"))
    assert world.states("P") == ["killed"]
    with world.act() as tx:
        pipelines.start_pipeline(tx, pipe("P"))

    assert world.states("P") == ["starting", "killed"]


def test_a_rerun_makes_a_job_without_news(world: World) -> None:
    world.pipeline("P", "A")
    world.land("A")
    world.work()

    with world.act() as tx:
        pipelines.rerun_pipeline(tx, pipe("P"))

    assert world.states("P") == ["starting", "success"]


def test_a_deleted_pipeline_may_leave_its_output(world: World) -> None:
    world.pipeline("P", "A")
    world.pipeline("Q", "P")
    change = world.land("A").id
    world.work()

    with pytest.raises(ConflictError), world.act() as tx:
        pipelines.delete_pipeline(tx, pipe("P"))
    with world.act() as tx:
        pipelines.delete_pipeline(tx, pipe("P"), keep_repo=True)
        pipelines.delete_pipeline(tx, pipe("Q"))

    assert world.head("P").id == change
    assert world.land("P").parent == change
    with world.catalog.read() as tx:
        assert repos.find_repo(tx, repo("Q")) is None
    assert world.jobs() == []


def test_the_memo_moves_by_compare_and_swap(world: World) -> None:
    world.pipeline("P", "A")

    with world.act() as tx:
        pipelines.set_memo(tx, pipe("P"), old=None, new="one")
        pipelines.set_memo(tx, pipe("P"), old="one", new="two")
        with pytest.raises(ConflictError):
            pipelines.set_memo(tx, pipe("P"), old="one", new="three")
        assert pipelines.get_pipeline(tx, pipe("P")).memo == "two"


def test_a_pipelines_state_and_last_job_are_shown(world: World) -> None:
    world.pipeline("P", "A")
    world.land("A")
    world.work("failure")

    with world.act() as tx:
        changed = pipelines.set_pipeline_state(tx, pipe("P"), "crashing", reason="no image")

    assert (changed.info().state, changed.reason, changed.info().last_job) == (
        "crashing",
        "no image",
        "failure",
    )


def test_every_version_is_listed_with_its_own_time_and_its_own_last_job(world: World) -> None:
    world.land("A")
    world.pipeline("Q", "B")
    first = world.pipeline("P", "A")
    world.work()
    world.pipeline("P", "B", update=True)
    world.pipeline("P", "A", "B", update=True)
    world.work("failure")

    with world.catalog.read() as tx:
        alone = pipelines.list_pipelines(tx)
        two = pipelines.list_pipelines(tx, key=pipe("P"), history=1)
        whole = pipelines.list_pipelines(tx, history=None)
        again = pipelines.get_pipeline(tx, pipe("P"), version=1)
        with pytest.raises(NotFoundError, match="--history all"):
            pipelines.get_pipeline(tx, pipe("P"), version=4)
        with pytest.raises(NotFoundError):
            pipelines.list_pipelines(tx, key=pipe("nope"))

    assert [(one.key.name, one.version) for one in alone] == [("P", 3), ("Q", 1)]
    assert [one.version for one in two] == [3, 2]
    said = [(one.key.name, one.version, one.input_text, one.last_job) for one in whole]
    assert said == [
        ("P", 3, "A:/* ⨯ B:/*", "failure"),
        ("P", 2, "B:/*", None),
        ("P", 1, "A:/*", "success"),
        ("Q", 1, "B:/*", None),
    ]
    assert whole[0].created > whole[1].created > whole[2].created == first.created
    assert again == whole[2]

import pytest

from pfs_provider.catalog import history
from pfs_provider.errors import NotFoundError
from tests.catalog_world import World, repo


def test_a_readable_branch_is_its_newest_finished_state(world: World) -> None:
    world.pipeline("P", "A")
    first = world.land("A").id
    world.work()
    second = world.land("A").id
    world.work("failure")
    third = world.land("A").id

    assert world.resolve("P@master").id == third
    assert world.resolve("P@master", readable=True).id == second
    assert world.resolve("P@master^", readable=True).id == first


def test_a_branch_without_any_finished_state_says_so(world: World) -> None:
    world.pipeline("P", "A")
    world.land("A")
    world.start("B")

    with pytest.raises(NotFoundError, match="is being made"):
        world.resolve("P@master", readable=True)
    with pytest.raises(NotFoundError, match="only the open"):
        world.resolve("B@master")


def test_listing_nothing_is_empty(world: World) -> None:
    opened = world.start("A")

    with world.catalog.read() as tx:
        assert history.list_commits(tx, repo("B")) == ()
        assert [c.id for c in history.list_commits(tx, repo("A"), branch="master")] == [opened.id]
        assert history.list_commits(tx, repo("A"), branch="master", limit=0) == ()

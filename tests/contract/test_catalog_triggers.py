"""Branches that follow others, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from typing import Any

import pytest

from pfs_provider.catalog import branches
from pfs_provider.catalog.triggers import fire_cron
from pfs_provider.catalog.values import Trigger
from pfs_provider.errors import ConflictError, ErrorCode, RefusedError
from pfs_provider.refs.names import BranchKey
from tests.catalog_world import World, at


@pytest.fixture
def world(catalog_url: str) -> Iterator[World]:
    world = World(catalog_url)
    world.repos("A")
    yield world
    world.check()
    world.catalog.close()


def follow(world: World, **conditions: Any) -> None:
    world.branch("A", trigger=Trigger(branch="staging", **conditions))


def tick(world: World) -> tuple[BranchKey, ...]:
    with world.act() as tx:
        return fire_cron(tx, world.clock.now())


def test_a_fired_trigger_moves_to_the_same_commit_and_propagates(world: World) -> None:
    follow(world, commits=2)
    world.pipeline("P", "A")

    world.land("A@staging")
    assert world.look("A").head is None
    second = world.land("A@staging")

    assert world.look("A").head == second.id
    assert [job.id for job in world.jobs()] == [second.id]
    world.land("A@staging")
    assert world.look("A").head == second.id
    assert world.look("A").info().trigger == {
        "branch": "staging",
        "size": None,
        "commits": 2,
        "rate": None,
        "cron": None,
        "all": False,
    }


def test_without_conditions_every_commit_is_followed(world: World) -> None:
    follow(world)

    assert world.land("A@staging").id == world.look("A").head


def test_size_counts_what_the_branch_has_grown(world: World) -> None:
    follow(world, size="1K")

    world.land("A@staging", size=999)
    assert world.look("A").head is None
    grown = world.land("A@staging", size=1000)
    assert world.look("A").head == grown.id
    world.land("A@staging", size=1999)
    assert world.look("A").head == grown.id


def test_all_needs_every_condition(world: World) -> None:
    follow(world, size="1K", commits=3, all=True)

    for _ in range(2):
        world.land("A@staging", size=5000)
    assert world.look("A").head is None

    assert world.land("A@staging", size=5000).id == world.look("A").head


def test_rate_waits_for_a_tick_between_the_heads(world: World) -> None:
    follow(world, rate="0 * * * *")

    first = world.land("A@staging")
    world.land("A@staging")
    assert world.look("A").head == first.id
    world.clock.sleep(3600)

    assert world.land("A@staging").id == world.look("A").head


def test_chained_triggers_fire_one_after_the_other(world: World) -> None:
    follow(world, commits=1)
    world.branch("A@release", trigger=Trigger(branch="master", commits=1))

    change = world.land("A@staging").id

    assert world.look("A@release").head == change


def test_an_errored_commit_and_a_move_by_hand_fire_nothing(world: World) -> None:
    follow(world, commits=1)

    bad = world.finish(world.start("A@staging"), error="bad")
    world.branch("A@staging", head=None)
    assert world.look("A").head is None
    world.branch("A@other")
    world.branch("A@staging", head=world.land("A@other").id)

    assert world.look("A").head is None
    assert bad.state == "error"


def test_cron_moves_at_each_tick_even_without_news(world: World) -> None:
    world.branch("A", trigger=Trigger(branch="staging", cron="@daily"))
    world.pipeline("P", "A")
    commit = world.land("A@staging")
    assert tick(world) == ()
    assert world.look("A").head is None

    world.clock.sleep(3 * 86400)
    assert tick(world) == (at("A"),)
    assert tick(world) == ()
    assert world.look("A").head == commit.id
    world.clock.sleep(86400)
    assert tick(world) == (at("A"),)

    newest, oldest = world.jobs("P")
    assert oldest.id == commit.id
    assert newest.id != commit.id


@pytest.mark.parametrize(
    "conditions",
    [
        {"branch": "master"},
        {"branch": "release"},
        {"branch": "staging", "size": "much"},
        {"branch": "staging", "commits": -1},
        {"branch": "staging", "rate": "now and then"},
        {"branch": "staging", "cron": "* * *"},
        {"branch": "staging", "cron": "@daily", "commits": 1},
    ],
    ids=lambda conditions: "-".join(str(value) for value in conditions.values()),
)
def test_an_illegal_trigger_is_refused(world: World, conditions: dict[str, Any]) -> None:
    world.branch("A@release", trigger=Trigger(branch="master"))

    with pytest.raises(RefusedError) as caught:
        world.branch("A", trigger=Trigger(**conditions))

    assert caught.value.code == ErrorCode.TRIGGER_ILLEGAL


def test_provenance_and_trigger_exclude_each_other(world: World) -> None:
    world.repos("B")

    with pytest.raises(RefusedError) as caught:
        world.branch("A", provenance=[at("B")], trigger=Trigger(branch="staging"))

    assert caught.value.code == ErrorCode.PROVENANCE_ILLEGAL


def test_a_watched_branch_is_deleted_by_force_alone(world: World) -> None:
    follow(world, commits=1)

    with pytest.raises(ConflictError), world.act() as tx:
        branches.delete_branch(tx, at("A@staging"))
    with world.act() as tx:
        branches.delete_branch(tx, at("A@staging"), force=True)

    assert world.look("A").trigger is None

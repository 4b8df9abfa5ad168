"""What a replay makes of histories that are not in step; all else is in tests/contract."""

from pfs_provider.catalog.replay import replay_commits
from tests.catalog_world import World, pipe


def test_the_order_is_when_commits_landed_not_when_they_were_started(world: World) -> None:
    early = world.start("A")
    landed = world.land("B")
    world.finish(early)

    with world.act() as tx:
        made = world.pipeline("P", "A", "B")
        tx.stale = [one for one in tx.stale if one.branch != made.output.full]
        opened = replay_commits(tx, pipe("P"))

    assert opened == (landed.id, early.id)
    newest = world.jobs("P")[0]
    assert {pin.id for pin in newest.pins} == {landed.id, early.id}

from pfs_provider.catalog import commits
from tests.catalog_world import World, at, repo


def test_an_error_goes_down_through_a_derived_branch(world: World) -> None:
    world.branch("B@v", provenance=[at("A")])
    world.pipeline("P", "B@v")
    change = world.land("A").id

    with world.act() as tx:
        commits.finish_downstream(
            tx, repo("B"), change, tree="t", n_files=0, size=0, error="unusable"
        )

    assert world.states("P") == ["unrunnable"]
    assert world.job("P", change).reason == f"input default/B@{change} has an error"


def test_a_job_is_ready_with_its_last_input(world: World) -> None:
    for name in ("left", "right"):
        world.pipeline(name, "A")
    world.pipeline("join", "left", "right")
    change = world.land("A").id

    world.end("left", change)
    assert world.states("join") == ["created"]
    world.end("right", change)

    assert world.states("join") == ["starting"]

from pfs_provider.catalog.unrunnable import list_made_unrunnable
from tests.catalog_world import World


def test_what_cannot_be_run_because_of_a_failure_is_told_by_that_failure(world: World) -> None:
    world.pipeline("P", "A")
    world.pipeline("Q", "P")
    world.pipeline("R", "Q")
    world.pipeline("other", "A")
    first = world.land("A").id
    world.end("P", first, "failure", reason="datum x failed")
    second = world.land("A").id
    world.end("P", second, "failure", reason="datum x failed")

    with world.catalog.read() as tx:
        found = list_made_unrunnable(tx, world.job("P", first))
        others = list_made_unrunnable(tx, world.job("other", first))

    assert [(job.pipeline.name, job.id) for job in found] == [("Q", first), ("R", first)]
    assert others == ()

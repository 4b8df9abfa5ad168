from pfs_provider.catalog.propagation import propagate
from tests.catalog_world import World


def test_propagating_early_cuts_the_transaction_in_two(world: World) -> None:
    world.pipeline("P", "A", "B")

    with world.act() as tx:
        first = world.land("A")
        propagate(tx)
        second = world.land("B")
        propagate(tx)
        propagate(tx)

    assert [job.id for job in world.jobs("P")] == [second.id, first.id]


def test_what_has_read_both_already_is_not_opened_twice(world: World) -> None:
    world.pipeline("P", "A", "B")

    with world.act():
        first, second = world.land("A"), world.land("B")

    (job,) = world.jobs("P")
    assert job.id == first.id
    assert [pin.id for pin in job.pins] == [first.id, second.id]


def test_what_is_below_two_levels_follows_too(world: World) -> None:
    world.pipeline("P", "A")
    world.pipeline("Q", "P")
    world.pipeline("R", "Q", "A")

    change = world.land("A").id

    assert [(job.pipeline.name, job.id) for job in world.jobs()] == [
        ("R", change),
        ("Q", change),
        ("P", change),
    ]

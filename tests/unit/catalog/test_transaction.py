from tests.catalog_world import World


def test_acts_take_the_id_of_a_named_transaction(world: World) -> None:
    change = world.new_id()

    with world.act(change=change) as tx:
        assert (tx.change, tx.new_change()) == (change, change)
        assert tx.fresh_change() != change

    with world.act() as tx:
        assert tx.change is None
        assert tx.new_change() != tx.new_change()


def test_all_in_a_transaction_has_one_time(world: World) -> None:
    with world.act() as tx:
        landed, started = world.land("A"), world.start("B")

    assert landed.finished == started.started == tx.now == world.clock.now()

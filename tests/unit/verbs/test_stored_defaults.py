from pfs_provider.verbs.stored_defaults import EVERYWHERE, stored_defaults
from tests.pfs_world import PfsWorld


def test_defaults_of_all_come_before_those_of_a_project(world: PfsWorld) -> None:
    world.pfs.update_defaults({"datum_tries": 5})
    world.pfs.update_defaults({"datum_tries": 7}, project="default")

    find = stored_defaults(world.pfs._versions.catalog)

    assert list(find("default")) == [{"datum_tries": 5}, {"datum_tries": 7}]
    assert list(find("nowhere")) == [{"datum_tries": 5}, {}]


def test_others_may_stand_in_their_place(world: PfsWorld) -> None:
    world.pfs.update_defaults({"datum_tries": 5})

    find = stored_defaults(world.pfs._versions.catalog, {EVERYWHERE: {"datum_tries": 2}})

    assert list(find("default")) == [{"datum_tries": 2}, {}]

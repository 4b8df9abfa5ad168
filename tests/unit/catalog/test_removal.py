import pytest

from pfs_provider.catalog.removal import delete_change, squash_change
from pfs_provider.errors import ConflictError, NotFoundError
from tests.catalog_world import NOBODY, World


def test_an_unknown_change_is_not_found(world: World) -> None:
    for verb in (squash_change, delete_change):
        with pytest.raises(NotFoundError), world.act() as tx:
            verb(tx, NOBODY)


def test_an_open_commit_can_be_deleted_as_a_change(world: World) -> None:
    opened = world.start("A")

    with world.act() as tx:
        assert [commit.id for commit in delete_change(tx, opened.id)] == [opened.id]

    assert world.look("A").open_commit is None


def test_a_branch_that_points_into_the_past_keeps_it(world: World) -> None:
    first = world.land("A")
    world.land("A")
    world.branch("A@release", head=first.id)

    with pytest.raises(ConflictError, match="points at it"), world.act() as tx:
        squash_change(tx, first.id)


def test_a_deleted_output_is_made_again_if_the_input_had_been_moved(world: World) -> None:
    world.pipeline("P", "A")
    first = world.land("A")
    world.land("A")
    world.work()
    world.branch("A", head=first.id)
    rewound = world.jobs("P")[0].id

    with world.act() as tx:
        delete_change(tx, rewound)

    newest = world.jobs("P")[0]
    assert newest.id != rewound
    assert [pin.id for pin in newest.pins] == [first.id]

import pytest

from pfs_provider.catalog import branches
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Trigger
from pfs_provider.errors import ConflictError, NotFoundError
from tests.catalog_world import World, at, repo


def test_a_branch_needs_its_repo(tx: Tx) -> None:
    with pytest.raises(NotFoundError):
        branches.create_branch(tx, at("X"))
    with pytest.raises(NotFoundError):
        branches.get_branch(tx, at("X"))
    assert branches.find_branch(tx, at("X")) is None


def test_branches_are_listed_by_name(tx: Tx) -> None:
    for name in ("z", "a"):
        branches.create_branch(tx, at(f"A@{name}"))
    branches.create_branch(tx, at("B@other"))

    assert [branch.key.name for branch in branches.list_branches(tx, repo("A"))] == ["a", "z"]


def test_declaring_again_says_everything_anew(tx: Tx) -> None:
    branches.create_branch(tx, at("A"), trigger=Trigger(branch="staging"))
    declared = branches.create_branch(tx, at("A"), provenance=[at("B"), at("C"), at("B")])

    assert (declared.trigger, declared.provenance) == (None, (at("B"), at("C")))


def test_an_open_commit_is_no_head(world: World) -> None:
    opened = world.start("A")

    with pytest.raises(ConflictError):
        world.branch("A@v", head=opened.id)


def test_a_deleted_branch_takes_its_open_commit_along(world: World) -> None:
    landed = world.land("A")
    world.start("A")

    with world.act() as tx:
        branches.delete_branch(tx, at("A"))

    assert world.resolve(f"A@{landed.id}") == landed

import pytest

from pfs_provider.catalog import repos
from pfs_provider.catalog.transaction import Tx
from pfs_provider.errors import ConflictError, NotFoundError
from tests.catalog_world import World, repo


def test_a_repo_exists_once(tx: Tx) -> None:
    with pytest.raises(ConflictError):
        repos.create_repo(tx, repo("A"))
    assert repos.find_repo(tx, repo("X")) is None
    for verb in (repos.get_repo, repos.check_repo, repos.delete_repo):
        with pytest.raises(NotFoundError, match="pfs create repo X"):
            verb(tx, repo("X"))


def test_repos_are_listed_by_name(tx: Tx) -> None:
    names = [found.key.name for found in repos.list_repos(tx, "default")]

    assert names == ["A", "B", "C"]
    with pytest.raises(NotFoundError):
        repos.list_repos(tx, "nowhere")


def test_a_repo_that_a_commit_has_read_is_in_use(world: World) -> None:
    world.land("A")
    world.pipeline("P", "A")
    world.work()
    with world.act() as tx:
        repos.delete_repo(tx, repo("B"))

    with pytest.raises(ConflictError, match="provenance of"), world.act() as tx:
        repos.delete_repo(tx, repo("A"))

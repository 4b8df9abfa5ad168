import pytest

from pfs_provider.catalog import projects, repos
from pfs_provider.catalog.transaction import Tx
from pfs_provider.errors import ConflictError, NotFoundError
from pfs_provider.refs.names import RepoKey


def test_the_default_project_is_there(tx: Tx) -> None:
    assert [project.name for project in projects.list_projects(tx)] == ["default"]


def test_a_project_exists_once(tx: Tx) -> None:
    made = projects.create_project(tx, "lab", description="ours")

    assert (made.description, made.created) == ("ours", tx.now)
    with pytest.raises(ConflictError):
        projects.create_project(tx, "lab")


def test_a_project_with_a_repo_is_kept(tx: Tx) -> None:
    projects.create_project(tx, "lab")
    repos.create_repo(tx, RepoKey("lab", "r"))

    with pytest.raises(ConflictError):
        projects.delete_project(tx, "lab")
    repos.delete_repo(tx, RepoKey("lab", "r"))
    projects.delete_project(tx, "lab")

    with pytest.raises(NotFoundError):
        repos.create_repo(tx, RepoKey("lab", "r"))

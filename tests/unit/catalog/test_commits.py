import pytest

from pfs_provider.catalog import commits
from pfs_provider.catalog.values import CommitPin
from pfs_provider.errors import NotFoundError, RefusedError
from pfs_provider.infos import CommitInfo, RunCommitInfo
from tests.catalog_world import NOBODY, World, at, repo


def test_a_change_lists_its_commits_causes_first(world: World) -> None:
    world.pipeline("P", "A")
    change = world.land("A").id

    with world.catalog.read() as tx:
        found = commits.list_change(tx, change)
        assert commits.list_change(tx, NOBODY) == ()

    assert [str(commit.repo) for commit in found] == ["A", "P"]


def test_what_is_missing_is_named(world: World) -> None:
    with world.catalog.read() as tx:
        with pytest.raises(NotFoundError, match="A@ffff"):
            commits.get_commit(tx, repo("A"), NOBODY)
        with pytest.raises(NotFoundError, match="repo X"):
            commits.get_commit(tx, repo("X"), NOBODY)


def test_a_users_commit_is_not_finished_as_downstream(world: World) -> None:
    opened = world.start("A")

    with pytest.raises(RefusedError), world.act() as tx:
        commits.finish_downstream(tx, repo("A"), opened.id, tree="t", n_files=0, size=0)


def test_provenance_named_twice_is_kept_once(world: World) -> None:
    pin = CommitPin(branch=at("A"), id=world.land("A").id)

    assert world.land("B", provenance=[pin, pin]).provenance == (pin,)


def test_a_run_is_noted_on_an_open_commit_and_never_changes_an_ended_one(world: World) -> None:
    world.pipeline("P", "A")
    change = world.land("A").id

    with world.act() as tx:
        commits.note_run(tx, repo("P"), change, {"scheduler": "argo"})
        commits.note_run(tx, repo("A"), change, {"scheduler": "argo"})

    with world.catalog.read() as tx:
        made, source = (commits.get_commit(tx, repo(name), change).info() for name in "PA")

    assert isinstance(made, RunCommitInfo)
    assert made.run == {"scheduler": "argo"}
    assert type(source) is CommitInfo

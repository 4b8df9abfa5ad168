"""From commits to trees: what readers see, what the next commit builds on."""

import pytest

from pfs_provider.errors import ErrorCode, NotFoundError
from pfs_provider.refs.addresses import parse_address, parse_branch
from pfs_provider.storage.values import EMPTY_TREE
from pfs_provider.versioning.trees import commit_tree, read_commit, read_head
from tests.pfs_world import PfsWorld, spec


def test_a_branch_without_commits_reads_as_empty(world: PfsWorld) -> None:
    world.pfs.create_branch("in@new")

    assert read_commit(world.versions, parse_address("in@new")) == (None, EMPTY_TREE)


def test_an_open_commit_is_hidden_from_readers_of_its_branch(world: PfsWorld) -> None:
    first = world.put(a="1")
    opened = world.pfs.start_commit("in@master")
    world.pfs.put_file("in@master:/b", b"2")

    commit, tree = read_commit(world.versions, parse_address("in@master"))

    assert commit is not None
    assert commit.id == first
    assert tree.n_files == 1
    assert read_commit(world.versions, parse_address(f"in@{opened.id}"))[1].n_files == 2


def test_a_downstream_branch_whose_first_job_runs_reads_as_empty(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))

    assert read_commit(world.versions, parse_address("up@master")) == (None, EMPTY_TREE)
    with pytest.raises(NotFoundError) as raised:
        read_commit(world.versions, parse_address("up@master^"))
    assert raised.value.code == ErrorCode.COMMIT_NOT_FOUND


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("none@master", ErrorCode.REPO_NOT_FOUND),
        ("in@none", ErrorCode.BRANCH_NOT_FOUND),
        (f"in@{'0' * 12}4{'0' * 3}8{'0' * 15}", ErrorCode.COMMIT_NOT_FOUND),
    ],
)
def test_what_is_not_there_is_named(world: PfsWorld, address: str, code: ErrorCode) -> None:
    world.put(a="1")

    with pytest.raises(NotFoundError) as raised:
        read_commit(world.versions, parse_address(address))

    assert raised.value.code == code


def test_an_errored_commit_is_read_but_not_built_upon(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.start_commit("in@master")
    world.pfs.put_file("in@master:/b", b"2")
    bad = world.pfs.finish_commit("in@master", error="no good")

    commit, tree = read_commit(world.versions, parse_address("in@master"))
    head, base = read_head(world.versions, parse_branch("in@master"))

    assert commit is not None
    assert commit.id == head == bad.id
    assert tree.n_files == 2
    assert base.n_files == 1


def test_a_branch_that_is_not_there_has_no_head(world: PfsWorld) -> None:
    assert read_head(world.versions, parse_branch("in@none")) == (None, EMPTY_TREE)


def test_an_open_commits_tree_is_what_was_written_so_far(world: PfsWorld) -> None:
    world.put(a="1")
    opened = world.pfs.start_commit("in@master")
    world.pfs.put_file("in@master:/b", b"2")
    world.pfs.delete_file("in@master:/a")
    commit, _ = read_commit(world.versions, parse_address(f"in@{opened.id}"))
    assert commit is not None

    tree = commit_tree(world.versions, commit)

    world.pfs.finish_commit("in@master")
    assert tree == world.tree("in@master")
    assert world.read("in@master") == {"/b": "2"}

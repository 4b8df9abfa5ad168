"""Landing: a draft becomes a commit whole, on whatever the head is by then."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError
from pfs_provider.refs.addresses import parse_address, parse_branch
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.paths import parse_path
from pfs_provider.storage.values import EMPTY_TREE
from pfs_provider.versioning.drafts import Draft
from pfs_provider.versioning.landing import Landing, attach_draft, finish_commit, land_draft
from pfs_provider.versioning.trees import read_commit, read_head
from tests.pfs_world import PfsWorld

KEY = parse_branch("in@master")


def _draft(world: PfsWorld, path: str = "/a", data: bytes = b"1", *, append: bool = False) -> Draft:
    draft = Draft(world.storage, read_head(world.versions, KEY)[1])
    draft.put_file(parse_path(path), data, append=append)
    return draft


def _landing(world: PfsWorld) -> Landing:
    return Landing(CommitId(world.versions.ids.new_id()))


def test_a_head_that_moved_meanwhile_is_landed_upon(world: PfsWorld) -> None:
    draft = _draft(world, "/mine")
    world.put(theirs="2")

    commit = land_draft(world.versions, KEY, draft, _landing(world))

    assert world.read(f"in@{commit.id}") == {"/mine": "1", "/theirs": "2"}
    assert commit.parent is not None


def test_writers_in_a_crowd_all_land_in_one_line(world: PfsWorld) -> None:
    def land(number: int) -> None:
        draft = Draft(world.storage, EMPTY_TREE)
        draft.put_file(parse_path(f"/{number}"), b"x")
        land_draft(world.versions, KEY, draft, _landing(world))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(land, range(24)))

    commits = world.pfs.list_commits("in@master")
    assert len(commits) == 24
    assert [c.parent for c in commits] == [c.id for c in commits[1:]] + [None]
    assert len(world.read("in@master")) == 24


def test_an_append_to_bytes_that_changed_meanwhile_is_a_conflict(world: PfsWorld) -> None:
    world.put(a="old")
    draft = _draft(world, append=True)
    world.put(a="new")

    with pytest.raises(ConflictError) as raised:
        land_draft(world.versions, KEY, draft, _landing(world))

    assert raised.value.code == ErrorCode.BRANCH_MOVED
    assert world.read("in@master") == {"/a": "new"}


def test_a_path_that_would_be_file_and_directory_lands_nothing(world: PfsWorld) -> None:
    world.put(a="1")

    with pytest.raises(ConflictError) as raised:
        land_draft(world.versions, KEY, _draft(world, "/a/b"), _landing(world))

    assert raised.value.code == ErrorCode.PATH_CONFLICT
    assert "/a" in str(raised.value)
    assert len(world.pfs.list_commits("in")) == 1


def test_a_repo_that_is_not_there_is_named(world: PfsWorld) -> None:
    with pytest.raises(NotFoundError, match="none"):
        land_draft(world.versions, parse_branch("none@master"), _draft(world), _landing(world))


def test_two_appends_into_an_open_commit_lose_nothing(world: PfsWorld) -> None:
    opened = world.pfs.start_commit("in@master")
    commit, tree = read_commit(world.versions, parse_address(f"in@{opened.id}"))
    assert commit is not None
    first, second = (Draft(world.storage, tree) for _ in range(2))
    first.put_file(parse_path("/log"), b"1", append=True)
    second.put_file(parse_path("/log"), b"2", append=True)

    attach_draft(world.versions, commit, first)
    with pytest.raises(ConflictError) as raised:
        attach_draft(world.versions, commit, second)

    assert raised.value.code == ErrorCode.BRANCH_MOVED
    assert world.read(f"in@{opened.id}") == {"/log": "1"}


def test_a_finished_commit_takes_no_more(world: PfsWorld) -> None:
    opened = world.pfs.start_commit("in@master")
    commit, _ = read_commit(world.versions, parse_address(f"in@{opened.id}"))
    assert commit is not None
    world.pfs.finish_commit("in@master")

    with pytest.raises(ConflictError) as raised:
        attach_draft(world.versions, commit, _draft(world))

    assert raised.value.code == ErrorCode.COMMIT_FINISHED


def test_an_open_commit_lands_on_what_was_committed_meanwhile(world: PfsWorld) -> None:
    world.pfs.start_commit("in@master")
    world.pfs.put_file("in@master:/mine", b"1")
    land_draft(world.versions, KEY, _draft(world, "/theirs"), _landing(world))

    finish_commit(world.versions, parse_address("in@master"))

    assert world.read("in@master") == {"/mine": "1", "/theirs": "1"}


def test_finishing_twice_is_told(world: PfsWorld) -> None:
    opened = world.pfs.start_commit("in@master")
    finish_commit(world.versions, parse_address("in@master"))

    for address in ("in@master", f"in@{opened.id}"):
        with pytest.raises(ConflictError) as raised:
            finish_commit(world.versions, parse_address(address))
        assert raised.value.code == ErrorCode.COMMIT_FINISHED


def test_a_commit_that_cannot_be_finished_stays_open_to_be_mended(world: PfsWorld) -> None:
    world.pfs.start_commit("in@master")
    world.pfs.put_file("in@master:/a/b", b"2")
    land_draft(world.versions, KEY, _draft(world, "/a"), _landing(world))

    with pytest.raises(ConflictError) as raised:
        finish_commit(world.versions, parse_address("in@master"))
    world.pfs.delete_file("in@master:/a")
    world.pfs.put_file("in@master:/b", b"3")
    finish_commit(world.versions, parse_address("in@master"))

    assert raised.value.code == ErrorCode.PATH_CONFLICT
    assert world.read("in@master") == {"/b": "3"}


def test_a_commit_of_a_branch_with_provenance_is_finished_by_a_user(world: PfsWorld) -> None:
    world.pfs.create_repo("down")
    world.pfs.create_branch("down@master", provenance=["in@master"])
    change = world.put(a="1")
    world.pfs.put_file(f"down@{change}:/b", b"2")

    done = finish_commit(world.versions, parse_address(f"down@{change}"))

    assert done.state == "finished"
    assert world.read("down@master") == {"/b": "2"}

"""Commits and branches, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC

import pytest

from pfs_provider.catalog import branches, commits, history, repos
from pfs_provider.catalog.values import CommitPin
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, RefusedError
from tests.catalog_world import NOBODY, World, at, repo


@pytest.fixture
def world(catalog_url: str) -> Iterator[World]:
    world = World(catalog_url)
    world.repos("A", "B")
    yield world
    world.check()
    world.catalog.close()


def test_a_landed_commit_is_the_head_with_its_facts(world: World) -> None:
    commit = world.land("A", message="first", run={"dag": "x"}, size=7)

    assert world.head("A") == commit
    assert (commit.state, commit.origin, commit.parent) == ("finished", "user", None)
    assert (commit.message, commit.size, commit.n_files, commit.run) == (
        "first",
        7,
        1,
        {"dag": "x"},
    )
    assert commit.info().provenance == ()


def test_times_come_back_aware_with_microseconds(world: World) -> None:
    commit = world.land("A")

    assert commit.finished == world.clock.now()
    assert commit.finished is not None
    assert commit.finished.tzinfo is UTC
    assert commit.finished.microsecond % 1000 != 0


def test_the_head_decides_who_lands(world: World) -> None:
    first = world.land("A")

    with pytest.raises(ConflictError) as caught:
        world.land("A", expected_head=None)

    assert caught.value.code == ErrorCode.BRANCH_MOVED
    assert world.log("A") == [first.id]


def _create_and_fail(world: World) -> None:
    with world.act() as tx:
        repos.create_repo(tx, repo("C"))
        branches.get_branch(tx, at("nowhere"))


def test_a_failed_act_leaves_no_trace(world: World) -> None:
    with world.catalog.read() as tx:
        before = repos.list_repos(tx)

    with pytest.raises(NotFoundError):
        _create_and_fail(world)

    with world.catalog.read() as tx:
        assert repos.list_repos(tx) == before


def test_an_open_commit_is_not_the_head_until_it_is_finished(world: World) -> None:
    first = world.land("A")
    opened = world.start("A")

    assert world.head("A") == first
    assert world.look("A").open_commit == opened.id
    assert world.log("A") == [opened.id, first.id]

    done = world.finish(opened)

    assert (done.parent, world.head("A")) == (first.id, done)
    assert world.look("A").open_commit is None


def test_an_open_commit_lands_on_top_of_what_landed_meanwhile(world: World) -> None:
    opened = world.start("A")
    landed = world.land("A")

    with pytest.raises(ConflictError, match="moved"), world.act() as tx:
        commits.finish_commit(
            tx, repo("A"), opened.id, tree="t", n_files=1, size=1, expected_head=None
        )

    assert world.finish(opened).parent == landed.id


def test_a_branch_has_one_open_commit(world: World) -> None:
    world.start("A")

    with pytest.raises(ConflictError) as caught:
        world.start("A")

    assert caught.value.code == ErrorCode.COMMIT_OPEN


def test_a_repo_has_one_commit_a_change(world: World) -> None:
    commit = world.land("A")

    with pytest.raises(ConflictError) as caught:
        world.land("A@other", commit.id)

    assert caught.value.code == ErrorCode.COMMIT_EXISTS


def test_deltas_are_kept_in_order_and_counted(world: World) -> None:
    opened = world.start("A")

    with world.act() as tx:
        assert commits.attach_delta(tx, repo("A"), opened.id, "one") == 1
        assert commits.attach_delta(tx, repo("A"), opened.id, "two", expected=1) == 2
        assert commits.list_deltas(tx, repo("A"), opened.id) == ("one", "two")
    with pytest.raises(ConflictError), world.act() as tx:
        commits.attach_delta(tx, repo("A"), opened.id, "three", expected=1)


def test_a_finished_commit_takes_nothing_any_more(world: World) -> None:
    commit = world.finish(world.start("A"))

    with pytest.raises(ConflictError) as caught, world.act() as tx:
        commits.attach_delta(tx, repo("A"), commit.id, "late")

    assert caught.value.code == ErrorCode.COMMIT_FINISHED
    with pytest.raises(ConflictError):
        world.finish(commit)


def test_a_dropped_commit_is_gone(world: World) -> None:
    opened = world.start("A")

    with world.act() as tx:
        commits.drop_open_commit(tx, repo("A"), opened.id)
        assert commits.find_commit(tx, repo("A"), opened.id) is None

    assert world.look("A").open_commit is None
    with pytest.raises(ConflictError), world.act() as tx:
        commits.drop_open_commit(tx, repo("A"), world.land("A").id)


def test_explicit_provenance_has_to_exist(world: World) -> None:
    read = world.land("A")
    pin = CommitPin(branch=at("A"), id=read.id)

    made = world.land("B", provenance=[pin])

    assert made.info().provenance == (f"default/A@{read.id}",)
    with pytest.raises(NotFoundError):
        world.land("B", provenance=[CommitPin(branch=at("A"), id=NOBODY)])


def test_errored_commits_are_left_out_by_descendants(world: World) -> None:
    first = world.land("A")
    bad = world.finish(world.start("A"), error="broken")
    third = world.start("A")

    with world.catalog.read() as tx:
        assert history.base_commit(tx, third) == first
    third = world.finish(third)

    assert (bad.state, bad.error) == ("error", "broken")
    assert world.resolve("A@master^") == bad
    with world.catalog.read() as tx:
        assert history.base_commit(tx, third) == first
        assert history.base_commit(tx, bad) == first
        assert history.base_commit(tx, first) is None


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("A@master", 4),
        ("A@master^", 3),
        ("A@master~~", 2),
        ("A@master^3", 1),
        ("A@master.1", 1),
        ("A@master.4", 4),
        ("A@master.0", 4),
        ("A@master^0", 4),
    ],
)
def test_ancestry_walks_the_branch(world: World, address: str, number: int) -> None:
    made = [world.land("A") for _ in range(4)]

    assert world.resolve(address) == made[number - 1]


def test_ancestry_goes_forward_from_a_commit(world: World) -> None:
    made = [world.land("A") for _ in range(3)]

    assert world.resolve(f"A@{made[0].id}^-2") == made[2]
    assert world.resolve(f"A@{made[2].id}.-1") == made[1]


@pytest.mark.parametrize("suffix", ["^2", "~5", ".3", "^-1"])
def test_ancestry_beyond_either_end_is_not_found(world: World, suffix: str) -> None:
    world.land("A")
    world.land("A")

    with pytest.raises(NotFoundError, match="beyond"):
        world.resolve(f"A@master{suffix}")


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("X@master", ErrorCode.REPO_NOT_FOUND),
        ("A@nothing", ErrorCode.BRANCH_NOT_FOUND),
        (f"A@{NOBODY}", ErrorCode.COMMIT_NOT_FOUND),
        (f"X@{NOBODY}", ErrorCode.REPO_NOT_FOUND),
    ],
)
def test_what_does_not_exist_is_not_found(world: World, address: str, code: ErrorCode) -> None:
    with pytest.raises(NotFoundError) as caught:
        world.resolve(address)

    assert caught.value.code == code


def test_a_branch_may_have_no_commit_yet(world: World) -> None:
    world.branch("A@empty")

    assert world.look("A@empty").head is None
    with pytest.raises(NotFoundError, match="no commit yet"):
        world.resolve("A@empty")


def test_commits_are_listed_newest_first(world: World) -> None:
    made = [world.land("A").id for _ in range(3)]
    other = world.land("A@other").id

    with world.catalog.read() as tx:
        everything = [c.id for c in history.list_commits(tx, repo("A"))]
        newest = [c.id for c in history.list_commits(tx, repo("A"), limit=2)]
        on_branch = [c.id for c in history.list_commits(tx, repo("A"), branch="master", limit=2)]

    assert everything == [other, *reversed(made)]
    assert newest == [other, made[2]]
    assert on_branch == [made[2], made[1]]


def test_a_repo_is_as_large_as_the_good_state_of_master(world: World) -> None:
    world.land("A", size=42)
    world.finish(world.start("A"), error="bad")
    world.land("A@other", size=1000)

    with world.catalog.read() as tx:
        assert [found.size for found in repos.list_repos(tx)] == [42, 0]


def test_a_repo_that_others_read_is_deleted_by_force_alone(world: World) -> None:
    world.land("A")
    world.pipeline("P", "A")

    for name in ("A", "P"):
        with pytest.raises(ConflictError) as caught, world.act() as tx:
            repos.delete_repo(tx, repo(name))
        assert caught.value.code == ErrorCode.IN_USE
    with world.act() as tx:
        repos.delete_repo(tx, repo("A"), force=True)

    with world.catalog.read() as tx:
        assert repos.find_repo(tx, repo("A")) is None


def test_writing_below_provenance_is_refused(world: World) -> None:
    world.branch("B@derived", provenance=[at("A")])
    world.pipeline("P", "A")

    for name in ("B@derived", "P"):
        with pytest.raises(RefusedError) as caught:
            world.land(name)
        assert caught.value.code == ErrorCode.OUTPUT_BRANCH
        with pytest.raises(RefusedError):
            world.start(name)

"""What moved heads cause, on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest

from pfs_provider.catalog import branches, commits, lineage, removal, repos
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, RefusedError
from tests.catalog_world import NOBODY, World, at, repo


@pytest.fixture
def world(catalog_url: str) -> Iterator[World]:
    world = World(catalog_url)
    world.repos("A", "B", "C", "D")
    yield world
    world.check()
    world.catalog.close()


def pins(world: World, name: str) -> dict[str, str]:
    return {str(pin.branch): pin.id for pin in world.head(name).provenance}


def test_a_commit_opens_everything_downstream_under_its_id(world: World) -> None:
    world.pipeline("edges", "A")
    world.pipeline("montage", "A", "edges")

    change = world.land("A").id

    assert [job.id for job in world.jobs()] == [change, change]
    assert world.states("edges") == ["starting"]
    assert world.states("montage") == ["created"]
    assert pins(world, "montage") == {"A@master": change, "edges@master": change}


def test_a_diamond_gives_one_job_a_pipeline_with_consistent_inputs(world: World) -> None:
    for name, inputs in (("left", "A"), ("right", "A")):
        world.pipeline(name, inputs)
    world.pipeline("join", "left", "right")

    changes = [world.land("A").id for _ in range(3)]

    assert [job.id for job in world.jobs("join")] == changes[::-1]
    for job in world.jobs("join"):
        assert {pin.id for pin in job.pins} == {job.id}


def test_inputs_without_a_commit_are_left_out(world: World) -> None:
    world.pipeline("both", "A", "B")
    assert world.jobs() == []

    first = world.land("A").id
    assert pins(world, "both") == {"A@master": first}

    second = world.land("B").id
    assert pins(world, "both") == {"A@master": first, "B@master": second}


def test_a_transaction_makes_one_commit_downstream(world: World) -> None:
    world.pipeline("both", "A", "B")
    change = world.new_id()

    with world.act(change=change):
        world.land("A", change)
        world.land("B", change)

    assert [job.id for job in world.jobs()] == [change]
    assert pins(world, "both") == {"A@master": change, "B@master": change}


def test_a_transaction_may_make_the_pipeline_too(world: World) -> None:
    change = world.new_id()

    with world.act(change=change):
        world.land("A", change)
        world.pipeline("edges", "A")

    assert [job.id for job in world.jobs()] == [change]


def test_two_opened_under_one_id_and_finished_apart_give_one_job(world: World) -> None:
    world.pipeline("both", "A", "B")
    change = world.new_id()
    with world.act(change=change):
        first, second = world.start("A", change), world.start("B", change)

    world.finish(first)
    between = world.jobs()
    world.finish(second)

    assert not between
    assert [job.id for job in world.jobs()] == [change]
    assert pins(world, "both") == {"A@master": change, "B@master": change}


def test_an_id_asks_a_repo_for_its_state_in_that_change(world: World) -> None:
    old = world.land("B")
    world.pipeline("C1", "A", "B")
    change = world.land("A").id
    world.land("B")

    assert world.resolve(f"B@{change}") == old
    assert world.resolve(f"C1@{change}").id == change
    assert world.resolve(f"B@master={change}^0") == old
    with pytest.raises(NotFoundError):
        world.resolve(f"D@{change}")


def test_an_input_that_does_not_propagate_is_picked_up_later(world: World) -> None:
    world.land("B")
    world.pipeline("quiet", "A", "B", quiet=["B"])
    world.land("A")
    before = len(world.jobs())

    second = world.land("B").id
    assert len(world.jobs()) == before

    third = world.land("A").id
    assert pins(world, "quiet") == {"A@master": third, "B@master": second}


def test_rewinding_is_a_change_of_its_own(world: World) -> None:
    world.pipeline("edges", "A")
    first, second = world.land("A"), world.land("A")

    world.branch("A", head=first.id)

    newest = world.jobs("edges")[0]
    assert newest.id not in {first.id, second.id}
    assert pins(world, "edges") == {"A@master": first.id}
    assert len(world.jobs("edges")) == 3


def test_deferred_processing_uses_the_id_of_the_commit(world: World) -> None:
    world.pipeline("edges", "A")
    staged = [world.land("A@staging") for _ in range(3)][-1]
    assert world.jobs() == []

    world.branch("A", head=staged.id)

    assert [job.id for job in world.jobs()] == [staged.id]


def test_a_moved_head_in_a_transaction_takes_its_id(world: World) -> None:
    world.pipeline("both", "A", "B")
    staged = world.land("A@staging")
    change = world.new_id()

    with world.act(change=change):
        world.branch("A", head=staged.id)
        world.land("B", change)

    assert [job.id for job in world.jobs()] == [change]
    assert pins(world, "both") == {"A@master": staged.id, "B@master": change}


def test_moving_to_where_it_is_changes_nothing(world: World) -> None:
    world.pipeline("edges", "A")
    commit = world.land("A")

    world.branch("A", head=commit.id)

    assert len(world.jobs()) == 1


def test_a_head_comes_from_the_same_repo(world: World) -> None:
    commit = world.land("A")

    with pytest.raises(NotFoundError) as caught:
        world.branch("B", head=commit.id)

    assert caught.value.code == ErrorCode.COMMIT_NOT_FOUND


def test_missing_provenance_branches_are_made_but_not_their_repos(world: World) -> None:
    declared = world.branch("B@v", provenance=[at("A@raw")])

    assert declared.info().provenance == ("default/A@raw",)
    assert world.look("A@raw").head is None
    with pytest.raises(NotFoundError):
        world.branch("B@v", provenance=[at("nowhere@raw")])


def test_declared_again_without_provenance_it_is_cleared(world: World) -> None:
    world.branch("B@v", provenance=[at("A")])

    assert world.branch("B@v").provenance == ()


def test_a_derived_branch_gets_a_commit_that_a_user_finishes(world: World) -> None:
    world.branch("B@v", provenance=[at("A")])
    world.pipeline("P", "B@v")
    change = world.land("A").id
    assert world.states("P") == ["created"]

    with world.act() as tx:
        commits.finish_downstream(tx, repo("B"), change, tree="t", n_files=1, size=1)

    assert world.states("P") == ["starting"]
    assert world.head("B@v").state == "finished"


def test_a_head_that_does_not_fit_gets_a_commit_that_does(world: World) -> None:
    raw, image = world.land("A"), world.land("B")

    world.branch("B@v1", head=image.id, provenance=[at("A")])

    head = world.head("B@v1")
    assert (head.origin, head.state, head.parent) == ("auto", "open", image.id)
    assert [pin.id for pin in head.provenance] == [raw.id]


@pytest.mark.parametrize(
    ("name", "inputs", "why"),
    [
        ("A", ["A"], "circle"),
        ("A", ["C"], "circle"),
        ("A", ["D", "C"], "C@master depends on A@master already"),
        ("B@other", ["C"], "one repo"),
        ("A@other", ["C"], "one repo"),
        ("B@other", ["A"], "one repo"),
        ("D", ["A", "A@other"], "one repo"),
    ],
)
def test_a_graph_that_cannot_work_is_refused(
    world: World, name: str, inputs: list[str], why: str
) -> None:
    world.branch("B", provenance=[at("A")])
    world.branch("C", provenance=[at("B")])

    with pytest.raises(RefusedError, match=why) as caught:
        world.branch(name, provenance=[at(text) for text in inputs])

    assert caught.value.code == ErrorCode.PROVENANCE_ILLEGAL


def test_lineage_is_transitive_and_nearest_first(world: World) -> None:
    world.pipeline("edges", "A")
    world.pipeline("montage", "edges")
    change = world.land("A")
    world.work()

    with world.catalog.read() as tx:
        up = [
            str(c.repo)
            for c in lineage.provenance_of(tx, commits.get_commit(tx, repo("montage"), change.id))
        ]
        down = [str(c.repo) for c in lineage.subvenance_of(tx, change)]

    assert up == ["edges", "A"]
    assert down == ["edges", "montage"]


def test_a_branch_that_others_depend_on_is_deleted_by_force_alone(world: World) -> None:
    world.branch("B@v", provenance=[at("A")])

    with pytest.raises(ConflictError) as caught, world.act() as tx:
        branches.delete_branch(tx, at("A"))
    assert caught.value.code == ErrorCode.IN_USE
    with world.act() as tx:
        branches.delete_branch(tx, at("A"), force=True)

    assert world.look("B@v").provenance == ()


def test_an_output_branch_keeps_its_provenance(world: World) -> None:
    world.pipeline("edges", "A")

    with pytest.raises(RefusedError) as caught:
        world.branch("edges", provenance=[at("B")])
    assert caught.value.code == ErrorCode.OUTPUT_BRANCH
    with pytest.raises(ConflictError), world.act() as tx:
        branches.delete_branch(tx, at("edges"))

    assert world.branch("edges").provenance == (at("A"),)


def test_squash_keeps_history_whole(world: World) -> None:
    first, second, third = (world.land("A") for _ in range(3))

    with world.act() as tx:
        removal.squash_change(tx, second.id)

    assert world.log("A") == [third.id, first.id]


def test_squash_needs_children_and_no_readers(world: World) -> None:
    first = world.land("A")
    world.pipeline("edges", "A")
    head = world.land("A")
    world.work()

    for commit in (first, head):
        with pytest.raises(ConflictError) as caught, world.act() as tx:
            removal.squash_change(tx, commit.id)
        assert caught.value.code == ErrorCode.IN_USE
    with pytest.raises(NotFoundError), world.act() as tx:
        removal.squash_change(tx, NOBODY)


def test_squash_takes_the_whole_change(world: World) -> None:
    world.pipeline("edges", "A")
    first, second = world.land("A"), world.land("A")
    world.work()

    with world.act() as tx:
        removal.squash_change(tx, first.id)

    assert world.log("A") == world.log("edges") == [second.id]
    assert len(world.jobs()) == 1


def test_delete_takes_the_newest_change_back(world: World) -> None:
    world.pipeline("edges", "A")
    first, second = world.land("A"), world.land("A")
    world.work()

    with pytest.raises(ConflictError), world.act() as tx:
        removal.delete_change(tx, first.id)
    with world.act() as tx:
        removal.delete_change(tx, second.id)

    assert world.log("A") == world.log("edges") == [first.id]
    assert [job.id for job in world.jobs("edges")] == [first.id]


def test_delete_of_a_running_change_takes_its_jobs(world: World) -> None:
    world.pipeline("edges", "A")
    change = world.land("A").id
    world.claim()

    with world.act() as tx:
        removal.delete_change(tx, change)

    assert world.jobs() == []
    assert world.look("A").head is None
    assert world.look("edges").head is None


def test_what_another_change_has_read_stays(world: World) -> None:
    read = world.land("A")
    world.pipeline("edges", "A")

    with pytest.raises(ConflictError, match="has read it"), world.act() as tx:
        removal.delete_change(tx, read.id)


def test_names_can_be_used_again_after_all_is_deleted(world: World) -> None:
    world.land("A")
    world.branch("A@v", provenance=[at("B")])

    with world.act() as tx:
        repos.delete_repo(tx, repo("A"))
        repos.create_repo(tx, repo("A"))

    with pytest.raises(NotFoundError):
        world.look("A")
    assert world.land("A").parent is None


def test_a_repo_deleted_by_force_ends_what_is_made_from_it(world: World) -> None:
    world.pipeline("P", "A")
    world.pipeline("Q", "P")
    world.land("A")
    world.claim()

    with world.act() as tx:
        repos.delete_repo(tx, repo("A"), force=True)

    assert [job.state for job in world.jobs()] == ["unrunnable", "unrunnable"]
    assert "deleted" in world.jobs("P")[0].reason

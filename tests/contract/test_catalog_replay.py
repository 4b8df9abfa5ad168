"""Jobs on chosen commits, and on all that there ever were; on every engine."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from pfs_provider.catalog import jobs, pipelines
from pfs_provider.catalog.replay import replay_commits, run_on_commits
from pfs_provider.catalog.values import Job, Trigger
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, RefusedError
from pfs_provider.refs.ids import CommitId
from tests.catalog_world import World, pipe


@pytest.fixture
def world(catalog_url: str) -> Iterator[World]:
    world = World(catalog_url)
    world.repos("A", "B")
    yield world
    world.check()
    world.catalog.close()


def _run(world: World, name: str, *chosen: str) -> Job:
    found = [world.resolve(address) for address in chosen]
    with world.act() as tx:
        return run_on_commits(tx, pipe(name), found)


def _create(world: World, name: str, *inputs: str, **more: Any) -> tuple[CommitId, ...]:
    """Make a pipeline with a job for every commit."""
    with world.act() as tx:
        made = world.pipeline(name, *inputs, **more)
        tx.stale = [one for one in tx.stale if one.branch != made.output.full]
        return replay_commits(tx, pipe(name))


def _reads(world: World, name: str) -> list[tuple[CommitId, list[CommitId]]]:
    """Each job with what it reads, oldest first."""
    return [(job.id, [pin.id for pin in job.pins]) for job in reversed(world.jobs(name))]


def _ids(world: World, branches: Sequence[str]) -> list[CommitId]:
    return [world.land(branch).id for branch in branches]


def test_a_job_on_chosen_commits_leaves_the_head_and_what_is_below(world: World) -> None:
    old, _, other = _ids(world, ["A", "A", "B"])
    world.pipeline("P", "A", "B")
    world.pipeline("Q", "P")
    world.work()
    head = world.head("P")

    job = _run(world, "P", "A@master^")

    assert (job.state, [pin.id for pin in job.pins]) == ("starting", [old, other])
    assert world.work() == [("P", job.id)]
    assert world.head("P") == head
    assert world.resolve(f"P@{job.id}").parent == head.id
    assert len(world.jobs("Q")) == 1
    following = world.land("A")
    assert world.head("P").id == following.id
    assert world.head("P").parent == head.id


def test_a_job_on_chosen_commits_fires_no_trigger(world: World) -> None:
    world.land("A")
    world.pipeline("P", "A")
    world.branch("P@stable", trigger=Trigger(branch="master"))
    world.work()
    stable = world.look("P@stable").head

    _run(world, "P", "A@master")
    world.work()

    assert world.look("P@stable").head == stable
    world.land("A")
    world.work()
    assert world.look("P@stable").head == world.head("P").id


def test_the_head_job_of_a_stopped_pipeline_is_opened_again_beside_a_chosen_one(
    world: World,
) -> None:
    world.land("A")
    world.pipeline("P", "A")
    side = _run(world, "P", "A@master")

    with world.act() as tx:
        pipelines.stop_pipeline(tx, pipe("P"))
    with world.act() as tx:
        pipelines.start_pipeline(tx, pipe("P"))

    assert world.states("P") == ["starting", "killed", "killed"]
    assert world.head("P").id != side.id


def test_a_commit_stands_for_the_input_of_its_repo_whatever_branch_it_is_on(world: World) -> None:
    world.land("A")
    staged = world.land("A@staging")
    world.pipeline("P", "A", "B")

    assert [pin.id for pin in _run(world, "P", "A@staging").pins] == [staged.id]


def test_what_cannot_be_run_on_is_refused(world: World) -> None:
    world.repos("C")
    world.land("A")
    world.land("A@staging")
    world.land("C")
    bad = world.finish(world.start("A@bad"), error="bad")
    opened = world.start("B")
    world.pipeline("P", "A", "B")

    def refused(*chosen: str) -> str:
        with pytest.raises(RefusedError) as raised:
            _run(world, "P", *chosen)
        assert raised.value.code == ErrorCode.PROVENANCE_ILLEGAL
        return str(raised.value)

    assert "does not read" in refused("C@master")
    assert "has an error: bad" in refused(f"A@{bad.id}")
    assert "of one input" in refused("A@master", "A@staging")
    with pytest.raises(ConflictError, match="still open"):
        _run(world, "P", f"B@{opened.id}")
    with pytest.raises(NotFoundError), world.act() as tx:
        run_on_commits(tx, pipe("nope"), [])
    with world.act() as tx:
        pipelines.stop_pipeline(tx, pipe("P"))
    with pytest.raises(ConflictError, match="is stopped"):
        _run(world, "P", "A@master")


def test_a_replay_has_a_job_for_every_commit_under_its_id_and_ends_at_the_heads(
    world: World,
) -> None:
    a1, b1, a2, a3 = _ids(world, ["A", "B", "A", "A"])

    opened = _create(world, "P", "A", "B")

    assert list(opened) == [a1, b1, a2, a3]
    assert _reads(world, "P") == [
        (a1, [a1]),
        (b1, [a1, b1]),
        (a2, [a2, b1]),
        (a3, [a3, b1]),
    ]
    assert world.log("P") == [a3, a2, b1, a1]
    assert world.work() == [("P", id_) for id_ in opened]


def test_a_change_of_two_inputs_is_one_job_of_a_replay(world: World) -> None:
    world.pipeline("P", "A")
    first, second = _ids(world, ["A", "A"])
    world.work()

    _create(world, "Q", "A", "P")

    assert _reads(world, "Q") == [(first, [first] * 2), (second, [second] * 2)]


def test_commits_with_an_error_are_left_out_and_quiet_inputs_cause_nothing(world: World) -> None:
    a1 = world.land("A").id
    b1 = world.land("B").id
    world.finish(world.start("A"), error="bad")
    a2 = world.land("A").id

    _create(world, "P", "A", "B", quiet=["B"])

    assert _reads(world, "P") == [(a1, [a1]), (a2, [a2, b1])]


def test_without_commits_a_replay_opens_nothing(world: World) -> None:
    assert _create(world, "P", "A") == ()
    assert world.jobs() == []


def test_a_replay_over_what_ran_before_has_new_ids_and_below_follows_the_last(
    world: World,
) -> None:
    world.pipeline("P", "A")
    world.pipeline("Q", "P")
    ids = _ids(world, ["A", "A"])
    world.work()

    opened = _create(world, "P", "A", update=True)

    assert [reads for _, reads in _reads(world, "P")[2:]] == [[one] for one in ids]
    assert not set(opened) & set(ids)
    world.work()
    assert world.head("Q").provenance[0].id == world.head("P").id
    with world.catalog.read() as tx:
        assert len(jobs.list_jobs(tx, pipe("Q"))) == 3

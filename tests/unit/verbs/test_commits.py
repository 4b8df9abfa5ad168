"""Commits through the façade: states, ancestry, changes, transactions.

Source: semantics 2.2 to 2.6.
"""

import threading

import pytest

from pfs_provider.errors import (
    ConflictError,
    ErrorCode,
    NotFoundError,
    PfsError,
    RefusedError,
    UnavailableError,
)
from tests.pfs_world import PfsWorld, spec


def _code(act: object, kind: type[PfsError], *args: object, **more: object) -> ErrorCode:
    with pytest.raises(kind) as raised:
        act(*args, **more)  # type: ignore[operator] # any verb
    return raised.value.code


def test_errored_commits_are_read_but_left_out_by_descendants(world: PfsWorld) -> None:
    """TestErroredCommits."""
    pfs = world.pfs
    world.put(f1="1")
    pfs.start_commit("in@master")
    pfs.put_file("in@master:/f2", b"2")
    pfs.finish_commit("in@master", error="bad")
    third = pfs.start_commit("in@master")
    pfs.put_file("in@master:/f3", b"3")

    assert world.read(f"in@{third.id}") == {"/f1": "1", "/f3": "3"}
    pfs.finish_commit("in@master")
    assert world.read("in@master") == {"/f1": "1", "/f3": "3"}
    assert world.read("in@master^1") == {"/f1": "1", "/f2": "2"}
    assert world.read("in@master^2") == {"/f1": "1"}
    assert pfs.inspect_commit("in@master^").error == "bad"


def test_ancestry_is_counted_from_either_end(world: PfsWorld) -> None:
    ids = [world.put(a=str(number)) for number in range(4)]

    def at(suffix: str) -> str:
        return world.pfs.inspect_commit(f"in@{suffix}").id

    assert [at("master^"), at("master~"), at("master^^"), at("master~3")] == [
        ids[2], ids[2], ids[1], ids[0]
    ]  # fmt: skip
    assert [at("master.1"), at("master.4"), at("master.0"), at("master^0")] == [
        ids[0], ids[3], ids[3], ids[3]
    ]  # fmt: skip
    assert at(f"{ids[2]}^") == ids[1]
    assert at(f"master={ids[1]}") == ids[1]
    for beyond in ("master^4", "master.5"):
        assert _code(at, NotFoundError, beyond) == ErrorCode.COMMIT_NOT_FOUND
    assert _code(at, RefusedError, "master^~") == ErrorCode.ADDRESS_ILLEGAL


def test_a_change_id_asks_any_repo_for_its_state_in_that_change(world: PfsWorld) -> None:
    """TestResolveAlias."""
    for repo in ("b", "c"):
        world.pfs.create_repo(repo)
    world.pfs.create_branch("c@master", provenance=["in@master", "b@master"])
    old = world.put("b@master", x="old")
    change = world.put(a="1")

    assert world.pfs.inspect_commit(f"b@{change}").id == old
    assert world.read(f"b@{change}") == {"/x": "old"}
    assert world.pfs.inspect_commit(f"c@{change}").state == "open"


def test_an_open_commit_is_found_by_its_id_and_not_by_its_branch(world: PfsWorld) -> None:
    first = world.put(a="1")
    opened = world.pfs.start_commit("in@master", message="wait")

    assert world.pfs.inspect_commit("in@master").id == first
    found = world.pfs.inspect_commit(f"in@{opened.id}")
    assert (found.state, found.size, found.finished, found.message) == ("open", None, None, "wait")
    assert _code(world.pfs.start_commit, ConflictError, "in@master") == ErrorCode.COMMIT_OPEN


def test_provenance_can_be_declared_with_a_commit(world: PfsWorld) -> None:
    features = world.put(a="1")
    world.pfs.create_repo("model")

    with world.pfs.commit(
        "model@master", provenance=["in@master"], run={"dag": "train", "try": 1}
    ) as c:
        c.put_file("/weights", b"w")

    assert world.pfs.inspect_commit("model@master").provenance == (f"default/in@{features}",)
    assert [found.repo for found in world.pfs.subvenance("in@master")] == ["model"]
    assert world.pfs.inspect_commit("model@master").id == c.id
    opened = world.pfs.start_commit("in@master")
    assert (
        _code(world.pfs.start_commit, RefusedError, "model@v2", provenance=[f"in@{opened.id}"])
        == ErrorCode.PROVENANCE_ILLEGAL
    )


def test_a_pipelines_commit_is_not_finished_by_hand(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))

    assert _code(world.pfs.finish_commit, RefusedError, "up@master") == ErrorCode.OUTPUT_BRANCH
    assert world.run_one().state == "success"


def test_waiting_ends_when_the_commit_does(world: PfsWorld) -> None:
    opened = world.pfs.start_commit("in@master")
    thread = threading.Timer(0.05, world.pfs.finish_commit, ["in@master"])
    thread.start()

    done = world.pfs.wait_commit(f"in@{opened.id}", timeout=10)

    thread.join()
    assert done.state == "finished"
    assert world.pfs.wait_commit("in@master", timeout=0) == done


def test_waiting_has_an_end(world: PfsWorld) -> None:
    opened = world.pfs.start_commit("in@master")

    assert (
        _code(world.pfs.wait_commit, UnavailableError, f"in@{opened.id}", timeout=0.01)
        == ErrorCode.TIMED_OUT
    )


def test_commits_come_to_a_subscriber_each_once_and_in_order(world: PfsWorld) -> None:
    ids = [world.put(a="1"), world.put(a="2")]
    world.pfs.create_branch("in@other")
    world.put("in@other", a="3")
    news = world.pfs.subscribe_commits("in@master", poll=0.01)

    assert [next(news).id, next(news).id] == ids
    ids.append(world.put(a="4"))
    assert next(news).id == ids[2]
    number = world.pfs.last_event_number()
    later = world.pfs.subscribe_commits("in@master", after=number, poll=0.01)
    ids.append(world.put(a="5"))
    assert next(later).id == ids[3]


def test_the_output_of_a_pipeline_can_be_subscribed_to(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec("up", "copy"))
    news = world.pfs.subscribe_commits("up@master", poll=0.01)

    ids = [world.put(a="1"), world.put(a="2")]
    world.pfs.run()

    assert [next(news).id, next(news).id] == ids


def test_squashing_moves_files_into_the_child_and_deleting_drops_them(world: PfsWorld) -> None:
    first, second, third = world.put(a="1"), world.put(b="2"), world.put(c="3")

    world.pfs.squash_commit(second)
    assert world.read("in@master") == {"/a": "1", "/b": "2", "/c": "3"}
    assert world.pfs.inspect_commit("in@master").parent == first
    assert _code(world.pfs.squash_commit, ConflictError, third) == ErrorCode.IN_USE
    assert _code(world.pfs.delete_commit, ConflictError, first) == ErrorCode.IN_USE

    world.pfs.delete_commit(third)
    assert world.read("in@master") == {"/a": "1"}
    assert _code(world.pfs.delete_commit, NotFoundError, third) == ErrorCode.COMMIT_NOT_FOUND


def test_squashing_a_change_tells_the_workers_of_its_job(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec("up", "copy"))
    first, second = world.put(a="1"), world.put(b="2")
    at_work = world.claim("up")
    world.pfs.plan_job(str(at_work))
    world.pfs.stop_job(f"up@{second}")  # the only way to an end before the job below it

    world.pfs.squash_commit(first)

    assert at_work.id == first
    assert world.storage.store.read(at_work.stop) == b"its change was deleted"
    assert [job.id for job in world.pfs.list_jobs("up")] == [second]


def test_two_inputs_in_a_transaction_make_one_job(world: PfsWorld) -> None:
    world.pfs.create_repo("b")
    cross = {"cross": [{"pfs": {"repo": repo, "glob": "/*"}} for repo in ("in", "b")]}
    world.pfs.create_pipeline(spec("up", "copy", input=cross))

    with world.pfs.transaction() as t:
        world.put(a="1")
        world.put("b@master", x="2")
        world.pfs.create_repo("later")

    assert [job.id for job in world.pfs.list_jobs("up")] == [t.id]
    assert {c.id for c in world.pfs.list_change(t.id)} == {t.id}
    assert world.run_one().total == 1
    assert world.read("up@master") == {"/a": "1", "/x": "2"}


def test_acts_of_a_transaction_see_those_before_them_and_nobody_else_does(world: PfsWorld) -> None:
    seen = []
    with world.pfs.transaction():
        world.pfs.create_repo("new")
        world.pfs.create_branch("new@dev")
        world.put("new@master", a="1")
        seen = [repo.name for repo in world.pfs.list_repos()]

    assert seen == ["in"]
    assert world.read("new@master") == {"/a": "1"}
    assert [branch.name for branch in world.pfs.list_branches("new")] == ["dev", "master"]


def test_a_transaction_whose_act_fails_does_nothing(world: PfsWorld) -> None:
    def fail_midway() -> None:
        with world.pfs.transaction():
            world.put(a="1")
            world.pfs.create_repo("in")

    assert _code(fail_midway, ConflictError) == ErrorCode.REPO_EXISTS
    assert world.pfs.list_commits("in") == []
    world.put(a="after")


def test_an_act_that_fails_may_be_passed_over(world: PfsWorld) -> None:
    with world.pfs.transaction():
        world.pfs.create_repo("new")
        assert _code(world.pfs.create_repo, ConflictError, "in") == ErrorCode.REPO_EXISTS

    assert [repo.name for repo in world.pfs.list_repos()] == ["in", "new"]


def test_transactions_do_not_nest(world: PfsWorld) -> None:
    def nest() -> None:
        with world.pfs.transaction(), world.pfs.transaction():
            pass

    assert _code(nest, ConflictError) == ErrorCode.IN_USE
    world.put(a="1")


def test_one_commit_of_a_repo_in_a_transaction(world: PfsWorld) -> None:
    def twice() -> None:
        with world.pfs.transaction():
            world.put(a="1")
            world.put(b="2")

    assert _code(twice, ConflictError) == ErrorCode.COMMIT_EXISTS
    assert world.pfs.list_commits("in") == []


def test_a_commit_takes_no_more_once_its_block_has_ended(world: PfsWorld) -> None:
    with world.pfs.commit("in@master") as c:
        c.put_file("/a", b"1")

    assert _code(c.put_file, ConflictError, "/b", b"2") == ErrorCode.COMMIT_FINISHED
    assert world.read("in@master") == {"/a": "1"}


def test_a_commit_without_changes_is_one_too(world: PfsWorld) -> None:
    first = world.put(a="1")

    with world.pfs.commit("in@master"):
        pass

    assert world.pfs.inspect_commit("in@master").parent == first
    assert world.read("in@master") == {"/a": "1"}

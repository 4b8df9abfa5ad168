"""Projects, repos and branches through the façade."""

import pytest

from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, RefusedError
from tests.pfs_world import PfsWorld, spec


def test_projects_hold_repos_of_equal_names_apart(world: PfsWorld) -> None:
    assert world.pfs.create_project("lab") == "lab"
    made = world.pfs.create_repo("lab/in", description="other")
    world.put("lab/in@master", a="lab")
    world.put(a="default")

    assert (made.project, made.name, made.description) == ("lab", "in", "other")
    assert world.pfs.list_projects() == ["default", "lab"]
    assert [repo.project for repo in world.pfs.list_repos()] == ["default", "lab"]
    assert [repo.name for repo in world.pfs.list_repos("lab")] == ["in"]
    assert world.read("lab/in@master") == {"/a": "lab"}
    with pytest.raises(ConflictError) as raised:
        world.pfs.delete_project("lab")
    assert raised.value.code == ErrorCode.IN_USE
    world.pfs.delete_repo("lab/in")
    world.pfs.delete_project("lab")
    assert world.pfs.list_projects() == ["default"]


def test_a_repo_is_as_large_as_its_master(world: PfsWorld) -> None:
    assert world.pfs.inspect_repo("in").size == 0
    world.put(a="12345")
    world.put("in@other", b="1234567890")

    assert world.pfs.inspect_repo("in").size == 5


def test_moving_a_head_is_deferred_processing(world: PfsWorld) -> None:
    world.pfs.create_branch("in@master")
    world.pfs.create_pipeline(spec("up"))
    world.put("in@staging", a="1")
    second = world.put("in@staging", b="2")
    assert world.run() == []

    world.pfs.create_branch("in@master", head="in@staging")

    assert world.pfs.inspect_branch("in@master").head == second
    job = world.run_one()
    assert (job.id, job.state) == (second, "success")
    assert world.read("up@master") == {"/a": "1", "/b": "2"}


def test_rewinding_a_head_is_a_change_of_its_own(world: PfsWorld) -> None:
    """TestRewindInput."""
    world.pfs.create_pipeline(spec("up"))
    first, second = world.put(a="1"), world.put(b="2")
    world.run()

    world.pfs.create_branch("in@master", head=first)

    job = world.run_one()
    assert job.id not in {first, second}
    assert (job.processed, job.skipped) == (0, 1)
    assert world.read("up@master") == {"/a": "1"}
    assert world.pfs.inspect_commit("up@master").provenance == (f"default/in@{first}",)


def test_a_head_is_named_by_address_by_id_or_by_branch(world: PfsWorld) -> None:
    first = world.put(a="1")
    world.put(a="2")

    for head in ("in@master^", first, f"in@{first}"):
        assert world.pfs.create_branch("in@old", head=head).head == first
    assert world.pfs.create_branch("in@new", head="master").head != first
    with pytest.raises(NotFoundError):
        world.pfs.create_branch("in@x", head="none")


def test_a_head_of_another_repo_is_refused(world: PfsWorld) -> None:
    world.pfs.create_repo("other")
    world.put("other@master", a="1")

    with pytest.raises(RefusedError):
        world.pfs.create_branch("in@x", head="other@master")


def test_provenance_has_no_circle(world: PfsWorld) -> None:
    for repo in ("b", "c"):
        world.pfs.create_repo(repo)
    world.pfs.create_branch("b@master", provenance=["in@master"])
    world.pfs.create_branch("c@master", provenance=["b@master"])

    with pytest.raises(RefusedError) as raised:
        world.pfs.create_branch("in@master", provenance=["c@master"])

    assert raised.value.code == ErrorCode.PROVENANCE_ILLEGAL


def test_a_trigger_moves_its_branch(world: PfsWorld) -> None:
    branch = world.pfs.create_branch("in@master", trigger={"branch": "staging", "commits": 2})
    world.put("in@staging", a="1")
    assert world.pfs.inspect_branch("in@master").head is None

    second = world.put("in@staging", b="2")

    assert branch.trigger is not None
    assert (branch.trigger["branch"], branch.trigger["commits"]) == ("staging", 2)
    assert world.pfs.inspect_branch("in@master").head == second


def test_a_branch_goes_and_its_commits_stay(world: PfsWorld) -> None:
    change = world.put(a="1")
    world.pfs.create_branch("in@copy", head="in@master")

    world.pfs.delete_branch("in@copy")

    assert world.read(f"in@{change}") == {"/a": "1"}
    world.pfs.create_repo("down")
    world.pfs.create_branch("down@master", provenance=["in@master"])
    with pytest.raises(ConflictError) as raised:
        world.pfs.delete_branch("in@master")
    assert raised.value.code == ErrorCode.IN_USE
    world.pfs.delete_branch("in@master", force=True)
    assert world.pfs.inspect_branch("down@master").provenance == ()


def test_branches_of_all_repos_are_had_at_once(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_repo("b")
    world.put("b@dev", a="1")

    assert [(b.repo, b.name) for b in world.pfs.iter_branches()] == [("b", "dev"), ("in", "master")]


def test_a_repo_is_deleted_with_all_that_it_holds(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.delete_repo("in")

    with pytest.raises(NotFoundError):
        world.pfs.inspect_repo("in")
    world.pfs.create_repo("in")
    assert world.pfs.list_commits("in") == []

"""Pipelines through the façade: create, update, stop, start, rerun, delete.

Source: semantics 5.3.
"""

import json
from pathlib import Path

import pytest

from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, RefusedError
from pfs_provider.verbs.pipelines import validate_pipeline
from tests.pfs_world import PfsWorld, counts, spec


def _states(world: PfsWorld, name: str) -> list[tuple[int, str]]:
    return [(job.version, job.state) for job in world.pfs.list_jobs(name)]


def test_a_pipeline_over_an_empty_branch_has_no_job_until_the_first_commit(
    world: PfsWorld,
) -> None:
    world.pfs.create_pipeline(spec("up"))
    assert world.pfs.list_jobs("up") == []
    assert [branch.name for branch in world.pfs.list_branches("in")] == ["master"]

    change = world.put(a="1")

    assert [job.id for job in world.pfs.list_jobs("up")] == [change]


def test_a_pipeline_over_a_head_has_a_job_at_once(world: PfsWorld) -> None:
    world.put(a="1")

    (made,) = world.pfs.create_pipeline(spec("up"))

    assert (made.version, made.state, made.last_job) == (1, "running", "starting")
    assert world.read("in@master") == {"/a": "1"}


def test_several_specs_of_a_file_are_made_all_or_none(world: PfsWorld, tmp_path: Path) -> None:
    file = tmp_path / "specs.json"
    file.write_text(json.dumps([spec("one"), spec("two", repo="one"), spec("three", repo="none")]))

    with pytest.raises(NotFoundError):
        world.pfs.create_pipeline(file)
    assert world.pfs.list_pipelines() == []

    file.write_text(json.dumps([spec("one"), spec("two", repo="one")]))
    assert [p.name for p in world.pfs.create_pipeline(file)] == ["one", "two"]


def test_a_file_may_ask_to_update_to_reprocess_or_only_to_be_checked(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    world.run()

    assert world.pfs.create_pipeline(spec("up", update=True, reprocess=True))[0].version == 2
    assert counts(world.run_one()) == "1+0+0+0/1"
    assert world.pfs.create_pipeline(spec("other", dry_run=True)) == []
    assert [p.name for p in world.pfs.list_pipelines()] == ["up"]


def test_an_update_kills_what_runs_and_keeps_what_is_known(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", "copy"))
    world.run()
    world.put(b="2")

    (updated,) = world.pfs.update_pipeline(spec("up", "copy", description="new words"))

    assert updated.version == 2
    assert _states(world, "up") == [(2, "starting"), (1, "killed"), (1, "success")]
    assert counts(world.run_one()) == "1+1+0+0/2"
    assert world.pfs.inspect_repo("up").description == "new words"


def test_other_code_works_all_again_and_the_old_code_is_still_known(world: PfsWorld) -> None:
    world.put(a="x")
    world.pfs.create_pipeline(spec("up", "copy"))
    world.run()

    world.pfs.update_pipeline(spec("up", "upper"))
    assert counts(world.run_one()) == "1+0+0+0/1"
    assert world.read("up@master") == {"/a": "X"}
    world.pfs.update_pipeline(spec("up", "copy"))
    assert counts(world.run_one()) == "0+1+0+0/1"
    assert world.read("up@master") == {"/a": "x"}


def test_the_code_may_be_left_out_of_the_key(world: PfsWorld) -> None:
    world.put(a="x")
    world.pfs.create_pipeline(spec("up", "copy", reprocess_on_code_change=False))
    world.run()

    world.pfs.update_pipeline(spec("up", "upper", reprocess_on_code_change=False))

    assert counts(world.run_one()) == "0+1+0+0/1"


def test_reprocessing_works_all_again_and_lasts(world: PfsWorld) -> None:
    world.put(a="x")
    world.pfs.create_pipeline(spec("up"))
    world.run()

    world.pfs.update_pipeline(spec("up"), reprocess=True)
    assert counts(world.run_one()) == "1+0+0+0/1"
    world.pfs.update_pipeline(spec("up"))
    assert counts(world.run_one()) == "0+1+0+0/1"


def test_an_update_may_change_the_input(world: PfsWorld) -> None:
    world.pfs.create_repo("other")
    world.put("other@master", b="2")
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    world.run()

    world.pfs.update_pipeline(spec("up", repo="other"))
    world.run()

    assert world.read("up@master") == {"/b": "2"}
    assert world.pfs.inspect_branch("up@master").provenance == ("default/other@master",)
    assert world.put(a="3") not in {job.id for job in world.pfs.list_jobs("up")}


def test_an_update_makes_what_does_not_exist(world: PfsWorld) -> None:
    assert world.pfs.update_pipeline(spec("up"))[0].version == 1


def test_a_stopped_pipeline_gets_no_jobs_until_it_is_started(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))

    stopped = world.pfs.stop_pipeline("up")
    world.put(b="2")
    assert (stopped.state, stopped.last_job) == ("paused", "killed")
    assert world.run() == []
    world.pfs.update_pipeline(spec("up", "upper"))
    assert world.run() == []
    assert world.pfs.inspect_pipeline("up").state == "paused"
    with pytest.raises(ConflictError):
        world.pfs.rerun_pipeline("up")

    started = world.pfs.start_pipeline("up")
    assert started.state == "running"
    assert (world.run_one().state, world.read("up@master")) == ("success", {"/a": "1", "/b": "2"})


def test_a_rerun_is_a_new_job_on_the_same_inputs(world: PfsWorld) -> None:
    change = world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    world.run()

    again = world.pfs.rerun_pipeline("up")
    job = world.run_one()
    anew = world.pfs.rerun_pipeline("up", reprocess=True)

    assert (again.version, again.last_job) == (1, "starting")
    assert counts(job) == "0+1+0+0/1"
    assert world.pfs.inspect_commit(job.output_commit).provenance == (f"default/in@{change}",)
    assert (anew.version, counts(world.run_one())) == (2, "1+0+0+0/1")


def test_a_pipeline_goes_with_its_output_unless_it_is_kept(world: PfsWorld) -> None:
    world.put(a="1")
    for name in ("gone", "kept"):
        world.pfs.create_pipeline(spec(name))
    world.run()

    world.pfs.delete_pipeline("gone")
    world.pfs.delete_pipeline("kept", keep_repo=True)

    assert [repo.name for repo in world.pfs.list_repos()] == ["in", "kept"]
    assert world.read("kept@master") == {"/a": "1"}
    world.pfs.put_file("kept@master:/b", b"2")
    for name in ("gone", "kept"):
        with pytest.raises(NotFoundError):
            world.pfs.inspect_pipeline(name)


def test_a_pipeline_that_others_read_is_deleted_only_by_force(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec("one"))
    world.pfs.create_pipeline(spec("two", repo="one"))

    with pytest.raises(ConflictError) as raised:
        world.pfs.delete_pipeline("one")
    assert raised.value.code == ErrorCode.IN_USE
    world.pfs.delete_pipeline("one", force=True)

    assert [p.name for p in world.pfs.list_pipelines()] == ["two"]


def test_a_pipeline_of_a_name_that_was_free_again_knows_nothing(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    world.run()
    world.pfs.delete_pipeline("up")

    world.pfs.create_pipeline(spec("up"))

    assert counts(world.run_one()) == "1+0+0+0/1"


def test_a_spec_reads_back_in_its_normal_form(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec("up", datum_tries="5"))

    document = world.pfs.pipeline_spec("up")

    assert document["pipeline"]["name"] == "up"
    assert document["datum_tries"] == 5


def test_output_goes_to_the_branch_that_the_spec_names(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up", output_branch="results"))
    world.run()

    assert world.read("up@results") == {"/a": "1"}


def test_pipelines_of_one_project_are_listed_alone(world: PfsWorld) -> None:
    world.pfs.create_project("lab")
    world.pfs.create_pipeline(spec("up"))
    inside = {"pfs": {"project": "default", "repo": "in", "glob": "/*"}}
    world.pfs.create_pipeline(
        {**spec("up", input=inside), "pipeline": {"project": "lab", "name": "up"}}
    )

    assert [(p.project, p.name) for p in world.pfs.list_pipelines()] == [
        ("default", "up"), ("lab", "up")
    ]  # fmt: skip
    assert [p.project for p in world.pfs.list_pipelines("lab")] == ["lab"]
    world.put(a="1")
    assert len(world.run()) == 2
    assert world.read("lab/up@master") == {"/a": "1"}


def test_a_spec_is_checked_without_a_catalog() -> None:
    (loaded,) = validate_pipeline(spec("up", repo="nowhere"))

    assert loaded.spec.key.name == "up"
    with pytest.raises(RefusedError):
        validate_pipeline({"pipeline": {"name": "up"}})


def test_a_diamond_gives_one_job_a_pipeline_on_consistent_inputs(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec("left", "copy"))
    world.pfs.create_pipeline(spec("right", "upper"))
    both = [{"pfs": {"repo": repo, "glob": "/"}} for repo in ("left", "right")]
    world.pfs.create_pipeline(spec("end", "join", input={"cross": both}))
    change = world.put(a="x")

    world.run()

    assert [job.id for job in world.pfs.list_jobs("end")] == [change]
    assert world.read("end@master") == {"/all": "xX"}
    assert world.pfs.inspect_commit("end@master").provenance == (
        f"default/left@{change}", f"default/right@{change}"
    )  # fmt: skip


def test_an_input_that_does_not_propagate_is_read_at_the_next_cause(world: PfsWorld) -> None:
    world.pfs.create_repo("quiet")
    quiet = {"pfs": {"repo": "quiet", "glob": "/", "propagation_spec": "never"}}
    loud = {"pfs": {"repo": "in", "glob": "/"}}
    world.pfs.create_pipeline(spec("up", "join", input={"cross": [loud, quiet]}))
    world.put("quiet@master", q="old")
    world.put(a="1")
    world.run()

    world.put("quiet@master", q="new")
    assert world.run() == []
    world.put(a="2")
    world.run()

    assert world.read("up@master") == {"/all": "2new"}


def test_earlier_versions_are_read_by_their_ancestry(world: PfsWorld) -> None:
    for glob in ("/*", "/a", "/b"):
        world.pfs.update_pipeline(spec("up", glob=glob))

    def inputs(*names: str) -> list[str]:
        return [world.pfs.inspect_pipeline(name).input for name in names]

    assert inputs("up", "up^0", "up^", "up~1", "up^^", "default/up^2", "up.1", "up.3") == [
        "in:/b", "in:/b", "in:/a", "in:/a", "in:/*", "in:/*", "in:/*", "in:/b",
    ]  # fmt: skip
    assert world.pfs.pipeline_spec("up^2")["input"]["pfs"]["glob"] == "/*"
    assert world.pfs.pipeline_spec("up^", user=True)["input"]["pfs"]["glob"] == "/a"
    assert [one.version for one in world.pfs.list_pipelines(name="up", history=None)] == [3, 2, 1]


@pytest.mark.parametrize("name", ["up^3", "up.4", "up^-1", "nope^1"])
def test_a_version_that_never_was_is_not_found(world: PfsWorld, name: str) -> None:
    for _ in range(3):
        world.pfs.update_pipeline(spec("up"))

    with pytest.raises(NotFoundError) as raised:
        world.pfs.inspect_pipeline(name)

    assert raised.value.code == ErrorCode.PIPELINE_NOT_FOUND


def test_a_pipeline_runs_on_chosen_commits_and_its_head_stays(world: PfsWorld) -> None:
    world.put(a="1")
    world.put(a="2", b="2")
    world.pfs.create_pipeline(spec("up"))
    world.run()
    head = world.pfs.inspect_commit("up@master")

    made = world.pfs.run_pipeline("up", "in@master^")
    done = world.run_one()

    assert (made.state, done.id, done.state) == ("starting", made.id, "success")
    assert world.read(f"up@{made.id}") == {"/a": "1"}
    assert world.read("up@master") == {"/a": "2", "/b": "2"}
    assert world.pfs.inspect_commit("up@master") == head
    world.put(c="3")
    assert counts(world.run_one()) == "1+2+0+0/3"
    assert world.read("up@master") == {"/a": "2", "/b": "2", "/c": "3"}


def test_a_pipeline_over_all_commits_has_an_output_for_each(world: PfsWorld) -> None:
    ids = [world.put(a="1"), world.put(a="2"), world.put(b="3")]

    world.pfs.create_pipeline([spec("up"), spec("upper", "upper", repo="up")], all_commits=True)
    done = world.run()

    assert {job.state for job in done} == {"success"}
    for name in ("up", "upper"):
        assert [job.id for job in reversed(world.pfs.list_jobs(name))] == ids
        assert [world.read(f"{name}@{id_}") for id_ in ids] == [
            {"/a": "1"},
            {"/a": "2"},
            {"/a": "2", "/b": "3"},
        ]


def test_cron_inputs_tick_when_told_to(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec("nightly", input={"cron": {"name": "tick", "spec": "@yearly"}}))

    made = world.pfs.run_cron("nightly")
    done = world.run_one()

    assert (made.id, made.state) == (done.id, "starting")
    assert done.state == "success"
    assert world.pfs.inspect_commit("nightly_tick@master").id == made.id


def test_ticks_are_part_of_a_transaction(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec("nightly", input={"cron": {"name": "tick", "spec": "@yearly"}}))

    with world.pfs.transaction() as change:
        world.pfs.create_repo("more")
        world.pfs.run_cron("nightly")

    assert world.pfs.inspect_commit("nightly_tick@master").id == change.id
    with world.pfs.transaction():
        world.pfs.start_commit("in@master")
        with pytest.raises(ConflictError, match="finish it first"):
            world.pfs.run_cron("nightly")
    assert len(world.pfs.list_commits("nightly_tick")) == 1

"""The steps of a workflow through the façade; its pods are workers in this process."""

import json
from pathlib import Path

import pytest

from pfs_provider.errors import ConflictError, ErrorCode, FailedError, NotFoundError, RefusedError
from pfs_provider.infos import RunCommitInfo
from pfs_provider.jobs.keys import parse_job_ref
from pfs_provider.verbs.workflows import Begun, Stay
from tests.pfs_world import PfsWorld, make_session, spec

ME = Stay(namespace="n", workflow="w", uid="u1", node="w.begin")
OTHER = Stay(namespace="n", workflow="x", uid="u2")
ABROAD = Stay(namespace="m", workflow="x", uid="u3")
CLUSTER = {"worker_image": "pfs:1", "store_url": "s3://b/x", "user_image": "busybox:1"}


def _create(world: PfsWorld, cmd: str = "copy", **more: object) -> str:
    world.pfs.create_pipeline(
        {
            "pipeline": {"name": "up"},
            "transform": {"cmd": [cmd]},
            "input": {"pfs": {"repo": "in", "glob": "/*"}},
            **more,
        }
    )
    return world.put(a="1", b="2")


def _begin(world: PfsWorld, stay: Stay = ME, **more: object) -> Begun:
    return world.pfs.begin_workflow("up", stay, cluster=CLUSTER, **more)  # type: ignore[arg-type]


def _work(world: PfsWorld, begun: Begun, tmp_path: Path) -> None:
    assert begun.job is not None
    make_session(world.storage, parse_job_ref(begun.job), world.executor, tmp_path).run()


def test_a_job_is_begun_worked_and_finished_and_its_commit_tells_the_workflow(
    world: PfsWorld, tmp_path: Path
) -> None:
    change = _create(world)

    begun = _begin(world, job=change)
    assert begun.job == f"default/up@{change}"
    assert begun.work.pods >= 1
    assert json.loads(begun.work.pod)["containers"][0]["name"] == "main"
    _work(world, begun, tmp_path)
    done = world.pfs.finish_workflow(begun.job, ME)

    assert (done.state, done.processed) == ("success", 2)
    made = world.pfs.inspect_commit("up@master")
    assert isinstance(made, RunCommitInfo)
    assert made.run == {
        "scheduler": "argo",
        "namespace": "n",
        "workflow": "w",
        "uid": "u1",
        "node": "w.begin",
    }
    assert world.pfs.finish_workflow(begun.job, ME).state == "success"


def test_a_retry_of_a_step_meets_what_the_last_try_left(world: PfsWorld) -> None:
    _create(world)

    assert _begin(world) == _begin(world)


def test_with_nothing_ready_or_a_job_that_is_done_there_is_nothing_to_do(world: PfsWorld) -> None:
    change = _create(world)
    world.run()

    assert _begin(world).job is None
    assert _begin(world, job=change).job is None
    assert _begin(world, job=change).work.pods == 0


def test_a_job_whose_datums_are_all_known_ends_without_pods(world: PfsWorld) -> None:
    _create(world)
    world.run()
    change = world.pfs.delete_file("in@master:/b").id

    begun = _begin(world)

    assert (begun.job, begun.work.workers) == (f"default/up@{change}", 0)
    assert world.pfs.inspect_job(f"up@{change}").state == "success"


def test_the_next_workflow_of_a_namespace_takes_over_what_a_terminated_one_held(
    world: PfsWorld, tmp_path: Path
) -> None:
    _create(world)
    first = _begin(world)

    second = _begin(world, OTHER)
    assert second.job == first.job
    _work(world, second, tmp_path)
    assert second.job is not None
    assert world.pfs.finish_workflow(second.job, OTHER).state == "success"


def test_a_job_that_runs_elsewhere_is_left_alone(world: PfsWorld) -> None:
    change = _create(world)
    _begin(world)

    for job in (change, None):
        with pytest.raises(ConflictError, match="argo/n/u1") as caught:
            _begin(world, ABROAD, job=job)
        assert caught.value.code == ErrorCode.JOB_TAKEN
    assert [job.id for job in world.pfs.list_runnable(ABROAD)] == []
    assert [job.id for job in world.pfs.list_runnable(OTHER)] == [change]


def test_what_is_not_kept_any_more_is_anybodys(world: PfsWorld) -> None:
    change = _create(world)
    job = _begin(world).job
    assert job is not None

    assert world.pfs.keep_workflow(job, ME, lease_s=60)
    assert not world.pfs.keep_workflow(job, OTHER, lease_s=60)
    assert world.pfs.claim_job("up", owner="somebody") is None
    assert world.pfs.keep_workflow(job, ME, lease_s=-1)  # as if it had run out

    taken = world.pfs.claim_job("up", owner="somebody")
    assert taken is not None
    assert taken.id == change
    assert not world.pfs.keep_workflow(job, ME, lease_s=60)


def test_what_is_not_there_is_named(world: PfsWorld) -> None:
    _create(world)

    with pytest.raises(NotFoundError, match="nothing"):
        world.pfs.begin_workflow("nothing", ME, cluster=CLUSTER)
    with pytest.raises(NotFoundError):
        _begin(world, job="1" * 32)
    with pytest.raises(NotFoundError, match="no change"):
        world.pfs.list_runnable(ME, change="1" * 32)


def test_an_event_of_a_branch_that_is_gone_runs_the_commit_that_is_still_there(
    world: PfsWorld, tmp_path: Path
) -> None:
    change = _create(world)
    world.pfs.delete_branch("in@master", force=True)

    begun = _begin(world, job=change)
    _work(world, begun, tmp_path)
    assert begun.job is not None

    assert world.pfs.finish_workflow(begun.job, ME).state == "success"


def test_an_event_of_what_was_deleted_says_so_and_leaves_nothing(world: PfsWorld) -> None:
    change = _create(world)
    world.pfs.delete_commit(change)

    with pytest.raises(NotFoundError, match=change) as caught:
        _begin(world, job=change)
    assert caught.value.code == ErrorCode.JOB_NOT_FOUND
    assert _begin(world).job is None
    world.pfs.delete_pipeline("up")
    with pytest.raises(NotFoundError) as caught:
        _begin(world, job=change)
    assert caught.value.code == ErrorCode.PIPELINE_NOT_FOUND


def test_a_spec_that_pods_cannot_carry_out_fails_its_job_with_the_reason(world: PfsWorld) -> None:
    change = _create(world, s3_out=True)

    with pytest.raises(FailedError, match="s3_out") as caught:
        _begin(world)

    assert caught.value.code == ErrorCode.JOB_FAILED
    assert world.pfs.inspect_job(f"up@{change}").state == "failure"


def test_settings_that_are_wrong_leave_the_job_to_others(world: PfsWorld) -> None:
    change = _create(world)

    with pytest.raises(RefusedError, match="worker_image"):
        world.pfs.begin_workflow("up", ME)

    assert world.pfs.inspect_job(f"up@{change}").state == "starting"


def test_work_that_is_not_done_fails_the_job_and_names_the_workflow(world: PfsWorld) -> None:
    change = _create(world)
    begun = _begin(world)
    assert begun.job is not None

    with pytest.raises(FailedError, match="workflow n/w"):
        world.pfs.finish_workflow(begun.job, ME)

    assert world.pfs.inspect_job(f"up@{change}").state == "failure"
    assert [job.state for job in world.pfs.list_failed(change)] == ["failure"]


def test_a_datum_that_fails_is_the_reason(world: PfsWorld, tmp_path: Path) -> None:
    _create(world, "fail")
    begun = _begin(world)
    assert begun.job is not None
    _work(world, begun, tmp_path)

    with pytest.raises(FailedError, match="datum"):
        world.pfs.finish_workflow(begun.job, ME)


def test_a_workflow_that_ends_early_gives_its_jobs_back_with_the_reason(world: PfsWorld) -> None:
    change = _create(world)
    _begin(world)

    assert world.pfs.settle_workflow(OTHER, "stopped") == []
    assert world.pfs.settle_workflow(ME, "stopped") == [f"default/up@{change}"]
    assert world.pfs.settle_workflow(ME, "stopped") == []

    job = world.pfs.inspect_job(f"up@{change}")
    assert (job.state, job.reason) == ("starting", "stopped")


def test_what_a_workflow_holds_does_not_grow_with_the_datums(world: PfsWorld) -> None:
    _create(world, parallelism_spec={"constant": 2})
    few = _begin(world).work
    world.pfs.stop_job(f"up@{world.pfs.list_jobs('up')[0].id}")
    world.put(**{f"f{number:04}": "x" for number in range(1000)})

    many = _begin(world).work

    assert (many.pods, len(many.pod), len(many.manifest)) == (2, len(few.pod), len(few.manifest))
    assert len(many.pod) < 4096


def test_many_workers_become_one_indexed_job(world: PfsWorld) -> None:
    _create(world, parallelism_spec={"constant": 2})

    work = _begin(world, max_pods=1).work

    assert (work.pods, work.jobs, work.workers) == (0, 1, 2)
    assert json.loads(work.manifest)["metadata"]["namespace"] == "n"


def test_a_service_is_no_part_of_a_change_that_a_workflow_runs(world: PfsWorld) -> None:
    world.pfs.create_pipeline(spec("up", "copy"))
    world.pfs.create_pipeline(spec("web", glob="/", service={"internal_port": 1}))
    change = world.put(a="2")

    assert {job.pipeline for job in world.pfs.list_runnable()} == {"up"}
    world.run()

    assert world.pfs.list_runnable() == []
    assert world.pfs.list_failed(change) == []

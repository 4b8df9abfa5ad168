"""The steps of a job, each as another process would take it."""

import pytest

from pfs_provider.errors import ConflictError, ErrorCode, RefusedError, UnavailableError
from pfs_provider.jobs.keys import JobRef, parse_pipeline_key
from pfs_provider.jobs.steps import Steps
from tests.pfs_world import InlineLauncher, PfsWorld, counts, spec

UP = parse_pipeline_key("up")


def _steps(world: PfsWorld, owner: str = "one") -> Steps:
    launcher = InlineLauncher(
        storage=world.storage, executor=world.executor, folder=world.folder / "scratch"
    )
    return Steps(jobs=world.jobs, launcher=launcher, owner=owner)


def _fail(error: Exception) -> None:
    raise error


def _claimed(world: PfsWorld) -> JobRef:
    world.put(a="1", b="2")
    world.pfs.create_pipeline(spec("up"))
    return world.claim("up")


def test_steps_taken_by_one_process_after_the_other_end_the_job(world: PfsWorld) -> None:
    world.put(a="1", b="2")
    world.pfs.create_pipeline(spec("up"))

    job, others = _steps(world).claim(UP)
    assert job is not None
    assert not others
    ref = JobRef(job.pipeline, job.id)
    with _steps(world).hold(ref):
        begun = _steps(world).begin(ref)
        _steps(world).launch(begun)
    ended = _steps(world).end(ref, None)

    assert begun.has_work
    assert (ended.state, counts(ended.info())) == ("success", "2+0+0+0/2")


def test_the_same_owner_begins_again_with_the_same_plan(world: PfsWorld) -> None:
    ref = _claimed(world)

    assert _steps(world).begin(ref) == _steps(world).begin(ref)


def test_work_that_cannot_go_on_fails_the_job(world: PfsWorld) -> None:
    ref = _claimed(world)
    _steps(world).begin(ref)

    ended = _steps(world).end(ref, "the image cannot be pulled")

    assert (ended.state, ended.reason) == ("failure", "the image cannot be pulled")
    assert world.storage.store.read(ref.stop) == b"the image cannot be pulled"


def test_with_the_lease_lost_only_a_job_that_has_ended_counts(world: PfsWorld) -> None:
    ref = _claimed(world)
    _steps(world).begin(ref)

    with pytest.raises(ConflictError) as caught:
        _steps(world).end(ref, None, is_lost=True)

    assert caught.value.code == ErrorCode.LEASE_LOST
    world.pfs.stop_job(str(ref))
    assert _steps(world).end(ref, None, is_lost=True).state == "killed"


def test_what_would_fail_for_ever_fails_the_job_and_goes_no_further(world: PfsWorld) -> None:
    ref = _claimed(world)

    with _steps(world).hold(ref) as held:
        _fail(RefusedError(ErrorCode.SPEC_ILLEGAL, "no such thing"))

    assert held.ended is not None
    assert (held.ended.state, held.ended.reason) == ("failure", "no such thing")


def test_what_may_pass_gives_the_job_back_with_the_reason(world: PfsWorld) -> None:
    ref = _claimed(world)
    steps = Steps(jobs=world.jobs, launcher=_steps(world).launcher, owner="test")

    with pytest.raises(UnavailableError), steps.hold(ref):
        raise UnavailableError(ErrorCode.WORKER_FAILED, "quota exceeded")

    job = steps.get(ref)
    assert (job.state, job.owner, job.reason) == ("starting", None, "quota exceeded")


def test_a_job_that_somebody_ended_meanwhile_is_ended(world: PfsWorld) -> None:
    ref = _claimed(world)

    with _steps(world).hold(ref) as held:
        world.pfs.stop_job(str(ref))
        _fail(ConflictError(ErrorCode.JOB_FINISHED, "ended"))

    assert held.ended is not None
    assert held.ended.state == "killed"


def test_others_work_until_they_give_back_or_their_lease_runs_out(world: PfsWorld) -> None:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    first, second = _steps(world, "one"), _steps(world, "two")

    assert not second.do_others_work(UP)
    world.pfs.claim_job("up", owner="one", lease_s=3600)
    assert second.do_others_work(UP)
    assert not first.do_others_work(UP)
    world.pfs.claim_job("up", owner="one", lease_s=-1)
    assert not second.do_others_work(UP)

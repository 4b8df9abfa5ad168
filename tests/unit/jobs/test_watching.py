from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.launcher import WorkersState
from pfs_provider.jobs.watching import Verdict, Watch, begin_watch
from tests.pfs_world import PfsWorld, spec

AT_WORK = WorkersState(alive=1)


def _watch(
    world: PfsWorld, *, timeout_s: float | None = None, waited_s: float = 0
) -> tuple[JobRef, Watch]:
    world.put(a="1")
    world.pfs.create_pipeline(spec("up"))
    ref = world.claim("up")
    world.pfs.plan_job(str(ref))
    return ref, begin_watch(world.jobs, ref, timeout_s=timeout_s, waited_s=waited_s)


def test_while_workers_are_at_work_there_is_no_verdict(world: PfsWorld) -> None:
    _, watch = _watch(world)

    assert watch.judge(AT_WORK, lambda: False) is None


def test_workers_that_ended_may_have_done_all(world: PfsWorld) -> None:
    _, watch = _watch(world)

    assert watch.judge(WorkersState(alive=0), lambda: True) == Verdict(None)
    assert watch.judge(WorkersState(alive=0), lambda: False) == Verdict(
        "all workers ended before the work was done"
    )


def test_a_problem_is_the_verdict(world: PfsWorld) -> None:
    _, watch = _watch(world)

    assert watch.judge(WorkersState(alive=3, problem="no image"), lambda: True) == Verdict(
        "no image"
    )


def test_the_notice_is_the_jobs_reason_until_it_passes(world: PfsWorld) -> None:
    ref, watch = _watch(world)

    watch.judge(WorkersState(alive=1, notice="Unschedulable"), lambda: False)
    assert world.pfs.inspect_job(str(ref)).reason == "Unschedulable"
    watch.judge(AT_WORK, lambda: False)
    assert world.pfs.inspect_job(str(ref)).reason == ""


def test_the_time_that_another_process_waited_counts(world: PfsWorld) -> None:
    ref, watch = _watch(world, timeout_s=60, waited_s=61)

    assert watch.judge(AT_WORK, lambda: False) == Verdict(None)
    job = world.pfs.inspect_job(str(ref))
    assert (job.state, job.reason) == ("killed", "the job ran longer than job_timeout (60 s)")


def test_a_job_that_has_ended_keeps_its_reason(world: PfsWorld) -> None:
    ref, watch = _watch(world)
    world.pfs.stop_job(str(ref))

    watch.judge(WorkersState(alive=1, notice="Unschedulable"), lambda: False)

    assert world.pfs.inspect_job(str(ref)).reason == "stopped by a user"

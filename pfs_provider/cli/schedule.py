"""The three steps that any scheduler calls: plan, work, finish."""

from pfs_provider.cli.options import JobArgument, OutputOption
from pfs_provider.cli.session import open_pfs
from pfs_provider.cli.show import Output, show
from pfs_provider.cli.tree import job as group
from pfs_provider.clock import SystemClock
from pfs_provider.errors import ErrorCode, FailedError

__all__ = ["finish_job", "plan_job", "work_job"]

POLL_S = 0.2


@group.command("plan")
def plan_job(job: JobArgument, output: OutputOption = Output.TEXT) -> None:
    """Cut a job into datum sets and show how many workers are useful. Repeating is harmless."""
    with open_pfs() as pfs:
        show(pfs.plan_job(job), output)


@group.command("work")
def work_job(job: JobArgument) -> None:
    """Work a planned job with one worker until nothing is left; several may do so at once."""
    clock = SystemClock()
    with open_pfs() as pfs:
        workers = pfs.launch_job(job, workers=1)
        try:
            while (state := workers.poll()).alive and state.problem is None:
                clock.sleep(POLL_S)
        finally:
            workers.stop()
    if state.problem is not None:
        raise FailedError(ErrorCode.WORKER_FAILED, f"{job}: {state.problem}", job=job)


@group.command("finish")
def finish_job(job: JobArgument, output: OutputOption = Output.TEXT) -> None:
    """End a job whose work is done, and show it. Exits 1 if it failed."""
    with open_pfs() as pfs:
        done = pfs.finish_job(job)
    show(done, output)
    if done.state != "success":
        raise FailedError(ErrorCode.JOB_FAILED, f"{job} ended as {done.state}: {done.reason}")

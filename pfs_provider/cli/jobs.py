"""Commands over jobs."""

from enum import StrEnum
from typing import Annotated

import typer

from pfs_provider.cli.options import FullTimesOption, JobArgument, LimitOption, OutputOption
from pfs_provider.cli.session import open_pfs
from pfs_provider.cli.sets import job_sets
from pfs_provider.cli.show import Output, show, show_all, show_json
from pfs_provider.cli.tree import inspect, list_, stop, wait
from pfs_provider.errors import ErrorCode, FailedError

__all__ = ["State", "inspect_job", "list_job", "stop_job", "wait_job"]


class State(StrEnum):
    """The states of a job, as an option takes them."""

    CREATED = "created"
    STARTING = "starting"
    RUNNING = "running"
    EGRESSING = "egressing"
    FINISHING = "finishing"
    SUCCESS = "success"
    FAILURE = "failure"
    KILLED = "killed"
    UNRUNNABLE = "unrunnable"


@list_.command("job")
def list_job(  # noqa: PLR0913,PLR0917 - one parameter for each documented option
    change: Annotated[str | None, typer.Argument(metavar="[ID]", help="Of this change.")] = None,
    pipeline: Annotated[
        str | None, typer.Option("--pipeline", "-p", help="Of this pipeline. [default: all]")
    ] = None,
    expand: Annotated[
        bool, typer.Option("--expand", "-x", help="One line for each job, not for each change.")
    ] = False,
    states: Annotated[
        list[State] | None, typer.Option("--state", help="In this state; again, in that too.")
    ] = None,
    number: LimitOption = None,
    output: OutputOption = Output.TEXT,
    full_timestamps: FullTimesOption = False,
) -> None:
    """List jobs, newest first: of a pipeline, of a change, or one line for each change."""
    with open_pfs() as pfs:
        found = pfs.list_jobs(
            pipeline,
            states=[state.value for state in states or State],
            limit=number if change is None else None,
        )
    if change is not None:
        found = [job for job in found if job.id == change][:number]
    if output is Output.JSON or expand or pipeline is not None or change is not None or states:
        show_all(found, output, full_times=full_timestamps)
    else:
        show_all(job_sets(found), output, full_times=full_timestamps)


@inspect.command("job")
def inspect_job(job: JobArgument, output: OutputOption = Output.TEXT) -> None:
    """Show a job, with its counts so far."""
    with open_pfs() as pfs:
        show(pfs.inspect_job(job), output)


@wait.command("job")
def wait_job(
    job: JobArgument,
    timeout: Annotated[float | None, typer.Option(min=0, help="Seconds. [default: none]")] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Wait until a job has ended, and show it. Exits 1 if it did not succeed."""
    with open_pfs() as pfs:
        ended = pfs.wait_job(job, timeout=timeout)
    show_all([ended], output)
    if ended.state != "success":
        raise FailedError(
            ErrorCode.JOB_FAILED, f"{job} ended as {ended.state}: {ended.reason}", job=job
        )


@stop.command("job")
def stop_job(job: JobArgument, output: OutputOption = Output.TEXT) -> None:
    """Kill a job; its output commit is finished with an error."""
    with open_pfs() as pfs:
        show_json(pfs.stop_job(job), output)

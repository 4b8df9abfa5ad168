"""The steps of a workflow that runs jobs: ready, begin, map, keep, finish, settle, verdict."""

import hashlib
import json
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from pfs_provider.cli.options import PipelineArgument
from pfs_provider.cli.show import say
from pfs_provider.cli.step_options import (
    MessageFileOption,
    NamespaceOption,
    NodeOption,
    OutputsOption,
    UidOption,
    WorkflowOption,
    open_shared,
    stay_of,
    telling,
    write_outputs,
)
from pfs_provider.cli.tree import step
from pfs_provider.clock import SystemClock
from pfs_provider.errors import ErrorCode, FailedError

if TYPE_CHECKING:
    from pfs_provider.verbs.workflows import Begun

__all__ = [
    "begin_step",
    "finish_step",
    "keep_step",
    "map_step",
    "ready_step",
    "settle_step",
    "verdict_step",
]

JobOption = Annotated[str, typer.Option(help="The id of the job. [default: the next ready one]")]
WorkersOption = Annotated[
    int, typer.Option(min=0, help="Workers. [default: as the spec says]", show_default=False)
]
PodsOption = Annotated[int, typer.Option(min=0, help="More workers become one Indexed Job.")]
LeaseOption = Annotated[
    float, typer.Option(min=1, help="Seconds after which others may have it when this has ended.")
]
SecretOption = Annotated[str, typer.Option(help="The catalog's Secret, which no spec may name.")]
ChangeOption = Annotated[str, typer.Option(help="Only jobs of this change. [default: all]")]


@step.command("begin")
def begin_step(  # noqa: PLR0913, PLR0917 - one parameter for each documented option
    pipeline: PipelineArgument,
    namespace: NamespaceOption,
    workflow: WorkflowOption,
    uid: UidOption,
    node: NodeOption = "",
    job: JobOption = "",
    workers: WorkersOption = 0,
    max_pods: PodsOption = 200,
    catalog_secret: SecretOption = "",
    outputs: OutputsOption = None,
    message: MessageFileOption = None,
) -> None:
    """Take a job of a pipeline, plan it, and say which pods work it. Repeating is harmless."""
    with telling(message), open_shared() as pfs:
        begun = pfs.begin_workflow(
            pipeline,
            stay_of(namespace, workflow, uid, node),
            job=job or None,
            workers=workers or None,
            max_pods=max_pods,
            catalog_secret=catalog_secret,
        )
    _answer(begun, pipeline, outputs)


@step.command("map")
def map_step(  # noqa: PLR0913, PLR0917 - one parameter for each documented option
    output: Annotated[str, typer.Argument(metavar="OUTPUT", help="Repo for the results.")],
    source: Annotated[str, typer.Argument(metavar="REF", help="Input: REPO@BRANCH or REPO@ID.")],
    image: Annotated[str, typer.Option(help="Image of the user code.")],
    command: Annotated[str, typer.Option(help="JSON list, or a line for sh.")],
    namespace: NamespaceOption,
    workflow: WorkflowOption,
    uid: UidOption,
    glob: Annotated[str, typer.Option(help="What is one piece of work.")] = "/*",
    node: NodeOption = "",
    workers: WorkersOption = 0,
    max_pods: PodsOption = 200,
    catalog_secret: SecretOption = "",
    outputs: OutputsOption = None,
    message: MessageFileOption = None,
) -> None:
    """Begin a command over the pieces of a commit; results of earlier maps are used again."""
    with telling(message), open_shared() as pfs:
        job = pfs.prepare_map(
            output,
            source,
            glob=glob,
            transform={"image": image, **_command(command)},
            workers=workers or None,
        )
        begun = pfs.begin_workflow(
            output,
            stay_of(namespace, workflow, uid, node),
            job=job.id,
            workers=workers or None,
            max_pods=max_pods,
            catalog_secret=catalog_secret,
        )
    _answer(begun, output, outputs)


@step.command("keep")
def keep_step(  # noqa: PLR0917 - one parameter for each documented option
    job: Annotated[str, typer.Argument(metavar="PIPELINE@ID", help="The job.")],
    namespace: NamespaceOption,
    workflow: WorkflowOption,
    uid: UidOption,
    lease: LeaseOption = 60.0,
    message: MessageFileOption = None,
) -> None:
    """Keep a job for its workflow until told to end, which is this step's good end.

    Where its workers can never start, because of a missing Secret for example, the job fails.
    """
    clock, stay = SystemClock(), stay_of(namespace, workflow, uid)
    # Argo would start a step anew that ends by itself before the steps beside it do.
    with suppress(SystemExit), telling(message), open_shared() as pfs:
        keeping = pfs.open_keeping(job, stay, lease_s=lease)
        while True:
            for line in keeping.turn():
                say(line)
                sys.stdout.flush()  # what stays up would tell it at its end
            clock.sleep(keeping.pause_s)


@step.command("finish")
def finish_step(  # noqa: PLR0913, PLR0917 - one parameter for each documented option
    job: Annotated[str, typer.Argument(metavar="[PIPELINE@ID]", help="The job; '' for none.")],
    namespace: NamespaceOption,
    workflow: WorkflowOption,
    uid: UidOption,
    node: NodeOption = "",
    outputs: OutputsOption = None,
    message: MessageFileOption = None,
) -> None:
    """End a job whose workers have ended, and say its output commit. Exits 1 if it failed."""
    commit = ""
    with telling(message):
        if job:
            with open_shared() as pfs:
                done = pfs.finish_workflow(job, stay_of(namespace, workflow, uid, node))
            commit = done.output_commit
            say(f"{commit}: {done.processed} processed, {done.skipped} skipped of {done.total}")
    write_outputs(outputs, {"commit": commit})


@step.command("settle")
def settle_step(  # noqa: PLR0917 - one parameter for each documented option
    namespace: NamespaceOption,
    workflow: WorkflowOption,
    uid: UidOption,
    reason: Annotated[str, typer.Option(help="How the workflow ended.")] = "",
    failures: Annotated[str, typer.Option(help="JSON list of its failed nodes.")] = "",
    message: MessageFileOption = None,
) -> None:
    """Give back what a workflow that failed or was stopped has left. Repeating is harmless."""
    why = f"workflow {namespace}/{workflow}: {reason}{_first_failure(failures)}"
    with telling(message), open_shared() as pfs:
        for left in pfs.settle_workflow(stay_of(namespace, workflow, uid), why):
            say(f"{left} is given back")


@step.command("ready")
def ready_step(
    namespace: NamespaceOption,
    change: ChangeOption = "",
    seen: Annotated[str, typer.Option(help="What the last look said it had seen.")] = "",
    outputs: OutputsOption = None,
    message: MessageFileOption = None,
) -> None:
    """List the pipelines that have a job to run, of one change or of all.

    None when these are the very jobs that were seen before: they cannot be run.
    """
    with telling(message), open_shared() as pfs:
        found = pfs.list_runnable(stay_of(namespace, "", ""), change=change or None)
    jobs = "\n".join(sorted(f"{job.project}/{job.pipeline}@{job.id}" for job in found))
    now = hashlib.sha256(jobs.encode()).hexdigest()[:16]
    names = list(dict.fromkeys(f"{job.project}/{job.pipeline}" for job in found))
    if now == seen:
        names = []
    for name in names:
        say(name)
    answer = {"count": str(len(names)), "pipelines": json.dumps(names), "seen": now}
    write_outputs(outputs, answer)


@step.command("verdict")
def verdict_step(change: ChangeOption = "", message: MessageFileOption = None) -> None:
    """Exit 1 if a job of a change has not ended as a success."""
    with telling(message):
        if not change:
            return
        with open_shared() as pfs:
            bad = pfs.list_failed(change)
        if bad:
            told = "; ".join(
                f"{job.project}/{job.pipeline} {job.state}: {job.reason}" for job in bad
            )
            raise FailedError(
                ErrorCode.JOB_FAILED, f"{len(bad)} jobs of change {change} did not succeed: {told}"
            )


def _answer(begun: "Begun", pipeline: str, outputs: OutputsOption) -> None:
    work = begun.work
    say(
        f"{begun.job}: {work.workers} workers"
        if begun.job
        else f"{pipeline}: nothing to do, no job is ready"
    )
    write_outputs(
        outputs,
        {
            "job": begun.job or "",
            **_job_labels(begun.job),
            "pods": str(work.pods),
            "jobs": str(work.jobs),
            "workers": str(work.workers),
            "timeout": str(work.timeout_s),
            "pod": work.pod,
            "manifest": work.manifest,
        },
    )


def _job_labels(job: str | None) -> dict[str, str]:
    """Return what labels of pods tell of a job."""
    from pfs_provider.k8s.names import label_value  # noqa: PLC0415 # lazy: --help needs no engine

    key, _, id_ = (job or "").rpartition("@")
    project, _, name = key.partition("/")
    return {"id": id_, "project": label_value(project), "name": label_value(name)}


def _command(text: str) -> dict[str, object]:
    """Return a command's part of a transform: a JSON list as it is, a line through a shell."""
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    if isinstance(parsed, list) and all(isinstance(part, str) for part in parsed):
        return {"cmd": parsed}
    return {"cmd": ["sh"], "stdin": [text]}


def _first_failure(failures: str) -> str:
    """Return what Argo says of the first failed pod; it escapes its list in several ways.

    Steps that only ended with those around them may be in the list, too, without a message.
    """
    try:
        parsed = json.loads(failures)
        nodes = json.loads(parsed) if isinstance(parsed, str) else parsed
        told = [node for node in nodes if node["message"]]
        return "".join(f"; {node['displayName']}: {node['message']}" for node in told[:1])
    except (ValueError, TypeError, KeyError):
        return ""

"""Commands over pipelines."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pfs_provider.cli.options import (
    ForceOption,
    FullTimesOption,
    OutputOption,
    PipelineArgument,
    ProjectOption,
)
from pfs_provider.cli.session import open_acts, open_pfs
from pfs_provider.cli.show import Output, say, show, show_all, show_id, show_json
from pfs_provider.cli.specs import (
    ArgOption,
    JsonnetOption,
    SpecFileOption,
    read_specs,
    spec_source,
)
from pfs_provider.cli.tree import (
    app,
    create,
    delete,
    inspect,
    list_,
    rerun,
    start,
    stop,
    update,
    validate,
)

if TYPE_CHECKING:
    from pfs_provider.infos import PipelineInfo
    from pfs_provider.verbs.saving import SpecSource

__all__ = [
    "create_pipeline",
    "delete_pipeline",
    "inspect_pipeline",
    "list_pipeline",
    "rerun_pipeline",
    "run_cron",
    "run_pipeline",
    "start_pipeline",
    "stop_pipeline",
    "update_pipeline",
    "validate_pipeline",
]

ReprocessOption = Annotated[
    bool, typer.Option("--reprocess", help="Work every datum again, whatever is known of it.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Check all and print the spec; change nothing.")
]


AllCommitsOption = Annotated[
    bool,
    typer.Option(
        "--all-commits",
        help="Run on every commit that the inputs have had, oldest first. [default: the heads]",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _How:
    """What the options of create and update say."""

    replace: bool
    reprocess: bool
    all_commits: bool
    dry_run: bool


class _DryRunError(Exception):
    """Ends the transaction of a dry run."""


@create.command("pipeline")
def create_pipeline(  # noqa: PLR0913, PLR0917 - each is one option
    file: SpecFileOption = None,
    jsonnet: JsonnetOption = None,
    arg: ArgOption = None,
    reprocess: ReprocessOption = False,
    all_commits: AllCommitsOption = False,
    dry_run: DryRunOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Make the pipelines of a spec, all or none; each runs at once on what its inputs hold."""
    source = spec_source(file, jsonnet, arg)
    how = _How(replace=False, reprocess=reprocess, all_commits=all_commits, dry_run=dry_run)
    _save(source, how, output)


@update.command("pipeline")
def update_pipeline(  # noqa: PLR0913, PLR0917 - each is one option
    file: SpecFileOption = None,
    jsonnet: JsonnetOption = None,
    arg: ArgOption = None,
    reprocess: ReprocessOption = False,
    all_commits: AllCommitsOption = False,
    dry_run: DryRunOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Give pipelines a new version, or make those that do not exist."""
    source = spec_source(file, jsonnet, arg)
    how = _How(replace=True, reprocess=reprocess, all_commits=all_commits, dry_run=dry_run)
    _save(source, how, output)


@validate.command("pipeline")
def validate_pipeline(
    file: SpecFileOption = None,
    jsonnet: JsonnetOption = None,
    arg: ArgOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Check a spec without any repo or catalog; -o json prints it in its modern form."""
    from pfs_provider.spec.load import load_specs  # noqa: PLC0415 # lazy: --help needs no engine

    for one in read_specs(spec_source(file, jsonnet, arg), load_specs):
        if output is Output.JSON:
            say(json.dumps(one.document, ensure_ascii=False))
        else:
            say(f"{one.spec.key}: valid")


@list_.command("pipeline")
def list_pipeline(
    name: Annotated[
        str | None, typer.Argument(metavar="[PIPELINE]", help="Only this one. [default: all]")
    ] = None,
    project: ProjectOption = None,
    history: Annotated[
        str,
        typer.Option(metavar="N|all", help="Show so many versions before the newest, too."),
    ] = "0",
    output: OutputOption = Output.TEXT,
    full_timestamps: FullTimesOption = False,
) -> None:
    """List the pipelines by name, and their earlier versions, newest first."""
    if history not in {"all", "none"} and not history.isdecimal():
        raise typer.BadParameter(f"--history {history}: a number, or all")
    older = {"all": None, "none": 0}[history] if history.isalpha() else int(history)
    with open_pfs() as pfs:
        found = pfs.list_pipelines(project, name=name, history=older)
        show_all(found, output, full_times=full_timestamps)


@inspect.command("pipeline")
def inspect_pipeline(
    name: Annotated[
        str,
        typer.Argument(metavar="PIPELINE", help="[PROJECT/]PIPELINE; ^ means the version before."),
    ],
    spec: Annotated[bool, typer.Option("--spec", help="Print its spec, as JSON.")] = False,
    user_spec: Annotated[
        bool, typer.Option("--user-spec", help="Print its spec as written, without defaults.")
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show a pipeline, or its spec."""
    with open_pfs() as pfs:
        if spec or user_spec:
            document = pfs.pipeline_spec(name, user=user_spec)
            say(
                json.dumps(
                    document, indent=None if output is Output.JSON else 2, ensure_ascii=False
                )
            )
        else:
            show(pfs.inspect_pipeline(name), output)


@start.command("pipeline")
def start_pipeline(name: PipelineArgument, output: OutputOption = Output.TEXT) -> None:
    """Let a stopped pipeline go on."""
    with open_acts() as pfs:
        show_json(pfs.start_pipeline(name), output)


@stop.command("pipeline")
def stop_pipeline(name: PipelineArgument, output: OutputOption = Output.TEXT) -> None:
    """Kill a pipeline's jobs and let new commits cause none."""
    with open_acts() as pfs:
        show_json(pfs.stop_pipeline(name), output)


@rerun.command("pipeline")
def rerun_pipeline(
    name: PipelineArgument,
    reprocess: ReprocessOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Make a new job of a pipeline on what its inputs hold now."""
    with open_acts() as pfs:
        show_json(pfs.rerun_pipeline(name, reprocess=reprocess), output)


@app.command("run-pipeline")
def run_pipeline(
    name: PipelineArgument,
    commits: Annotated[
        list[str],
        typer.Argument(metavar="REPO@COMMIT...", help="Read these; of other inputs the heads."),
    ],
    output: OutputOption = Output.TEXT,
) -> None:
    """Make a job of a pipeline on chosen commits and print its id; no head moves.

    Also written `pfs run pipeline`. `pfs run` works the job; `PIPELINE@ID` is its output.
    """
    with open_pfs() as pfs:
        show_id(pfs.run_pipeline(name, commits), output)


@app.command("run-cron")
def run_cron(name: PipelineArgument, output: OutputOption = Output.TEXT) -> None:
    """Let a pipeline's cron inputs tick now, once each, and print the id of the job.

    Also written `pfs run cron`. `pfs run` works the job.
    """
    with open_pfs() as pfs:
        show_id(pfs.run_cron(name), output)


@delete.command("pipeline")
def delete_pipeline(
    name: PipelineArgument,
    keep_repo: Annotated[bool, typer.Option("--keep-repo", help="Keep its output repo.")] = False,
    force: ForceOption = False,
) -> None:
    """Delete a pipeline with its jobs and its output repo."""
    with open_acts() as pfs:
        pfs.delete_pipeline(name, keep_repo=keep_repo, force=force)


def _save(source: "SpecSource", how: _How, output: Output) -> None:
    with open_pfs() as pfs:
        loaded = read_specs(source, pfs.read_specs)
    again = how.reprocess or any(one.reprocess for one in loaded)
    replace = how.replace or again or any(one.update for one in loaded)
    written = [one.written for one in loaded]
    if how.dry_run or any(one.dry_run for one in loaded):
        _try(written, replace)
        for one in loaded:
            say(json.dumps(one.document, ensure_ascii=False))
        return
    with open_acts() as pfs:
        saved: list[PipelineInfo] = (
            pfs.update_pipeline(written, reprocess=again, all_commits=how.all_commits)
            if replace
            else pfs.create_pipeline(written, all_commits=how.all_commits)
        )
    for info in saved:
        show_json(info, output)


def _try(documents: list[dict[str, object]], replace: bool) -> None:
    """Do it in a transaction that is given up: every check is made, nothing stays."""
    try:
        with open_pfs() as pfs, pfs.transaction():
            if replace:
                pfs.update_pipeline(documents)
            else:
                pfs.create_pipeline(documents)
            raise _DryRunError
    except _DryRunError:
        pass

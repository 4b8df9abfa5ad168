"""Commands over the defaults of specs."""

import json
import sys
from typing import Annotated

import typer

from pfs_provider.cli.options import OutputOption, SpecOption
from pfs_provider.cli.session import open_pfs
from pfs_provider.cli.show import Output, say, warn
from pfs_provider.cli.show import json_line as line
from pfs_provider.cli.tree import create, delete, inspect, update

__all__ = ["create_defaults", "delete_defaults", "inspect_defaults", "update_defaults"]

ClusterOption = Annotated[bool, typer.Option("--cluster", help="Those of all projects.")]
WhoseOption = Annotated[str | None, typer.Option("--project", help="Those of one project.")]
RegenerateOption = Annotated[
    bool, typer.Option("--regenerate", help="Give a new version to the pipelines that change.")
]
ReprocessOption = Annotated[
    bool, typer.Option("--reprocess", help="With --regenerate: work all their datums again.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Say which pipelines would change; change nothing.")
]


@create.command("defaults")
@update.command("defaults")
def update_defaults(  # noqa: PLR0913, PLR0917 - each is one option
    file: SpecOption,
    cluster: ClusterOption = False,
    project: WhoseOption = None,
    regenerate: RegenerateOption = False,
    reprocess: ReprocessOption = False,
    dry_run: DryRunOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Replace what specs get that do not say otherwise; print the pipelines that it changes."""
    from pfs_provider.spec.defaults import read_defaults  # noqa: PLC0415 # lazy: --help needs no engine

    scope = _scope(cluster, project)
    if reprocess and not regenerate:
        raise typer.BadParameter("--reprocess needs --regenerate")
    document, warnings = read_defaults(sys.stdin.buffer if file == "-" else file)
    for text in warnings:
        warn(f"defaults: {text}")
    with open_pfs() as pfs:
        changed = pfs.update_defaults(
            document, project=scope, regenerate=regenerate, reprocess=reprocess, dry_run=dry_run
        )
    _show(changed, output)


create_defaults = update_defaults


@inspect.command("defaults")
def inspect_defaults(
    cluster: ClusterOption = False, project: WhoseOption = None, output: OutputOption = Output.TEXT
) -> None:
    """Print the defaults, as JSON that update defaults takes."""
    scope = _scope(cluster, project)
    with open_pfs() as pfs:
        document = {"create_pipeline_request": pfs.inspect_defaults(scope)}
    say(json.dumps(document, indent=None if output is Output.JSON else 2, ensure_ascii=False))


@delete.command("defaults")
def delete_defaults(
    cluster: ClusterOption = False,
    project: WhoseOption = None,
    regenerate: RegenerateOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Remove the defaults; print the pipelines that it changes."""
    scope = _scope(cluster, project)
    with open_pfs() as pfs:
        changed = pfs.delete_defaults(scope, regenerate=regenerate)
    _show(changed, output)


def _scope(cluster: bool, project: str | None) -> str | None:
    if cluster == (project is not None):
        raise typer.BadParameter("say whose: --cluster, or --project NAME")
    return project


def _show(pipelines: list[str], output: Output) -> None:
    for name in pipelines:
        say(name if output is Output.TEXT else line({"pipeline": name}))

"""Commands over projects."""

from typing import Annotated

import typer

from pfs_provider.cli.options import OutputOption
from pfs_provider.cli.session import open_acts, open_pfs
from pfs_provider.cli.show import Output, say
from pfs_provider.cli.show import json_line as line
from pfs_provider.cli.tree import create, delete, list_

__all__ = ["create_project", "delete_project", "list_project"]

ProjectArgument = Annotated[str, typer.Argument(metavar="NAME", help="The project.")]


@create.command("project")
def create_project(
    name: ProjectArgument,
    description: Annotated[str, typer.Option("--description", "-d", help="For people.")] = "",
) -> None:
    """Make a project: a namespace of repos and pipelines."""
    with open_acts() as pfs:
        pfs.create_project(name, description=description)


@list_.command("project")
def list_project(output: OutputOption = Output.TEXT) -> None:
    """List the projects by name."""
    with open_pfs() as pfs:
        names = pfs.list_projects()
    if output is Output.TEXT:
        say("NAME")
    for name in names:
        say(name if output is Output.TEXT else line({"name": name}))


@delete.command("project")
def delete_project(name: ProjectArgument) -> None:
    """Delete a project that holds no repos any more."""
    with open_acts() as pfs:
        pfs.delete_project(name)

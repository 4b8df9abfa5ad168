"""Commands over repos."""

from typing import Annotated

import typer

from pfs_provider.cli.options import (
    ForceOption,
    FullTimesOption,
    OutputOption,
    ProjectOption,
    RepoArgument,
)
from pfs_provider.cli.session import open_acts, open_pfs
from pfs_provider.cli.show import Output, show, show_all, show_json
from pfs_provider.cli.tree import create, delete, inspect, list_

__all__ = ["create_repo", "delete_repo", "inspect_repo", "list_repo"]


@create.command("repo")
def create_repo(
    name: RepoArgument,
    description: Annotated[str, typer.Option("--description", "-d", help="For people.")] = "",
    output: OutputOption = Output.TEXT,
) -> None:
    """Make a repo."""
    with open_acts() as pfs:
        show_json(pfs.create_repo(name, description=description), output)


@list_.command("repo")
def list_repo(
    project: ProjectOption = None,
    output: OutputOption = Output.TEXT,
    full_timestamps: FullTimesOption = False,
) -> None:
    """List the repos by name."""
    with open_pfs() as pfs:
        show_all(pfs.list_repos(project), output, full_times=full_timestamps)


@inspect.command("repo")
def inspect_repo(name: RepoArgument, output: OutputOption = Output.TEXT) -> None:
    """Show a repo."""
    with open_pfs() as pfs:
        show(pfs.inspect_repo(name), output)


@delete.command("repo")
def delete_repo(name: RepoArgument, force: ForceOption = False) -> None:
    """Delete a repo with its branches and commits."""
    with open_acts() as pfs:
        pfs.delete_repo(name, force=force)

"""Commands over branches."""

from typing import Annotated

import typer

from pfs_provider.cli.options import ForceOption, OutputOption, RepoArgument
from pfs_provider.cli.session import open_acts, open_pfs
from pfs_provider.cli.show import Output, show, show_all, show_json
from pfs_provider.cli.tree import create, delete, inspect, list_

__all__ = ["create_branch", "delete_branch", "inspect_branch", "list_branch"]

BranchArgument = Annotated[str, typer.Argument(metavar="REPO@BRANCH", help="The branch.")]
SizeOption = Annotated[
    str | None, typer.Option("--trigger-size", help="Follow when it grew by so much, such as 1K.")
]
CommitsOption = Annotated[
    int | None, typer.Option("--trigger-commits", min=1, help="Follow after so many commits.")
]
RateOption = Annotated[
    str | None, typer.Option("--trigger-rate", help="Follow at most at each tick of this cron.")
]
CronOption = Annotated[
    str | None, typer.Option("--trigger-cron", help="Follow at each tick of this cron.")
]


@create.command("branch")
def create_branch(  # noqa: PLR0913, PLR0917 - one parameter for each documented option
    name: BranchArgument,
    head: Annotated[str | None, typer.Option(help="A commit of the repo to point to.")] = None,
    provenance: Annotated[
        list[str] | None, typer.Option("--provenance", "-p", help="REPO@BRANCH it depends on.")
    ] = None,
    trigger: Annotated[str | None, typer.Option(help="A branch of the repo to follow.")] = None,
    trigger_size: SizeOption = None,
    trigger_commits: CommitsOption = None,
    trigger_rate: RateOption = None,
    trigger_cron: CronOption = None,
    trigger_all: Annotated[bool, typer.Option("--trigger-all", help="All of these.")] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Make a branch, or declare it again: move its head, set or clear provenance and trigger."""
    rules = _rules(size=trigger_size, commits=trigger_commits, rate=trigger_rate, cron=trigger_cron)
    if trigger is None and (rules or trigger_all):
        raise typer.BadParameter("name the branch to follow: --trigger BRANCH")
    follow = None if trigger is None else {"branch": trigger, **rules, "all": trigger_all}
    with open_acts() as pfs:
        made = pfs.create_branch(name, head=head, provenance=provenance or None, trigger=follow)
        show_json(made, output)


@list_.command("branch")
def list_branch(repo: RepoArgument, output: OutputOption = Output.TEXT) -> None:
    """List a repo's branches by name."""
    with open_pfs() as pfs:
        show_all(pfs.list_branches(repo), output)


@inspect.command("branch")
def inspect_branch(name: BranchArgument, output: OutputOption = Output.TEXT) -> None:
    """Show a branch."""
    with open_pfs() as pfs:
        show(pfs.inspect_branch(name), output)


@delete.command("branch")
def delete_branch(name: BranchArgument, force: ForceOption = False) -> None:
    """Delete a branch; its commits stay."""
    with open_acts() as pfs:
        pfs.delete_branch(name, force=force)


def _rules(**rules: object) -> dict[str, object]:
    return {name: value for name, value in rules.items() if value is not None}

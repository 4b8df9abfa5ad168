"""The command that follows a branch."""

from typing import Annotated

import typer

from pfs_provider.cli.options import FullTimesOption, OutputOption
from pfs_provider.cli.session import open_pfs
from pfs_provider.cli.show import Output, show_all
from pfs_provider.cli.tree import subscribe

__all__ = ["subscribe_commit"]


@subscribe.command("commit")
def subscribe_commit(
    branch: Annotated[str, typer.Argument(metavar="REPO@BRANCH", help="The branch.")],
    new: Annotated[bool, typer.Option("--new", help="Only those from now on.")] = False,
    output: OutputOption = Output.TEXT,
    full_timestamps: FullTimesOption = False,
) -> None:
    """Print the finished commits of a branch as they come, each once, until Ctrl-C."""
    with open_pfs() as pfs:
        after = pfs.last_event_number() if new else None
        found = pfs.subscribe_commits(branch, after=after)
        show_all(found, output, full_times=full_timestamps, live=True)

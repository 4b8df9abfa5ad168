"""Commands over commits."""

from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from pfs_provider.cli.options import (
    FullTimesOption,
    LimitOption,
    MessageOption,
    OutputOption,
    RefArgument,
)
from pfs_provider.cli.session import open_acts, open_pfs
from pfs_provider.cli.sets import commit_sets
from pfs_provider.cli.show import Output, show, show_all, show_id
from pfs_provider.cli.tree import delete, find, finish, inspect, list_, squash, start, wait
from pfs_provider.errors import ErrorCode, FailedError
from pfs_provider.refs.ids import is_id

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "delete_commit",
    "find_commit",
    "finish_commit",
    "inspect_commit",
    "list_commit",
    "squash_commit",
    "start_commit",
    "wait_commit",
]

ChangeArgument = Annotated[str, typer.Argument(metavar="ID", help="The id of the change.")]


@start.command("commit")
def start_commit(
    branch: Annotated[str, typer.Argument(metavar="REPO@BRANCH", help="Where.")],
    message: MessageOption = "",
    provenance: Annotated[
        list[str] | None, typer.Option(metavar="REF", help="A commit that it is made of.")
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Open a commit and print its id; put files go into it until it is finished."""
    with open_acts() as pfs:
        started = pfs.start_commit(branch, message=message, provenance=provenance or [])
        show_id(started, output)


@finish.command("commit")
def finish_commit(
    ref: RefArgument,
    error: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why nothing must build upon it.")
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Close a commit for writing and print its id. Exits 3 if it is missing, 4 if not open."""
    with open_acts() as pfs:
        show_id(pfs.finish_commit(ref, error=error), output)


@inspect.command("commit")
def inspect_commit(ref: RefArgument, output: OutputOption = Output.TEXT) -> None:
    """Show a commit."""
    with open_pfs() as pfs:
        show(pfs.inspect_commit(ref), output)


@list_.command("commit")
def list_commit(
    what: Annotated[
        str | None, typer.Argument(metavar="[REPO|REPO@BRANCH|ID]", help="Whose. [default: all]")
    ] = None,
    number: LimitOption = None,
    output: OutputOption = Output.TEXT,
    full_timestamps: FullTimesOption = False,
) -> None:
    """List commits, newest first: of a repo, a branch, a change, or one line for each change."""
    with open_pfs() as pfs:
        if what is None:
            repos = [f"{repo.project}/{repo.name}" for repo in pfs.list_repos()]
            found = [commit for repo in repos for commit in pfs.list_commits(repo, limit=number)]
            found.sort(key=lambda commit: commit.started, reverse=True)
            shown: Iterable[object] = commit_sets(found) if output is Output.TEXT else found
        else:
            listed = pfs.list_change(what) if is_id(what) else pfs.list_commits(what, limit=number)
            shown = listed
    show_all(islice(shown, number), output, full_times=full_timestamps)


@find.command("commit")
def find_commit(
    path: Annotated[str, typer.Argument(metavar="REPO@BRANCH:/PATH", help="The path.")],
    number: LimitOption = None,
    output: OutputOption = Output.TEXT,
    full_timestamps: FullTimesOption = False,
) -> None:
    """List the commits of a branch that changed a path, newest first."""
    with open_pfs() as pfs:
        found = islice(pfs.find_commits(path), number)
        show_all(found, output, full_times=full_timestamps)


@wait.command("commit")
def wait_commit(
    ref: RefArgument,
    timeout: Annotated[float | None, typer.Option(min=0, help="Seconds. [default: none]")] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Wait until a commit is finished, and show it. Exits 1 if it was finished with an error."""
    with open_pfs() as pfs:
        done = pfs.wait_commit(ref, timeout=timeout)
    show_all([done], output)
    if done.state == "error":
        raise FailedError(
            ErrorCode.JOB_FAILED, f"{ref} was finished with an error: {done.error}", commit=done.id
        )


@squash.command("commit")
def squash_commit(change: ChangeArgument) -> None:
    """Remove a change's commits; their data moves into their children."""
    with open_acts() as pfs:
        pfs.squash_commit(change)


@delete.command("commit")
def delete_commit(change: ChangeArgument) -> None:
    """Remove a change's commits with their data; branches fall back. Only what has no children."""
    with open_acts() as pfs:
        pfs.delete_commit(change)

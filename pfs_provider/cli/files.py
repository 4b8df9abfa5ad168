"""Commands that look at files, and small changes of them."""

from typing import Annotated

import typer

from pfs_provider.cli.options import FullTimesOption, MessageOption, OutputOption, RefArgument
from pfs_provider.cli.session import open_pfs
from pfs_provider.cli.show import Output, show, show_all, show_json
from pfs_provider.cli.tree import copy, delete, diff, glob, inspect, list_

__all__ = ["copy_file", "delete_file", "diff_file", "glob_file", "inspect_file", "list_file"]


@list_.command("file")
def list_file(
    ref: RefArgument,
    output: OutputOption = Output.TEXT,
    full_timestamps: FullTimesOption = False,
) -> None:
    """List a directory, or the file named; directories end in /."""
    with open_pfs() as pfs:
        show_all(pfs.list_files(ref), output, full_times=full_timestamps)


@glob.command("file")
def glob_file(
    ref: Annotated[
        str, typer.Argument(metavar="REPO@BRANCH:/GLOB", help="In quotes: /** is all files.")
    ],
    output: OutputOption = Output.TEXT,
    full_timestamps: FullTimesOption = False,
) -> None:
    """List what a pattern matches."""
    address, colon, pattern = ref.partition(":")
    if not colon:
        raise typer.BadParameter(f"{ref!r} has no pattern: write {ref}:/GLOB")
    with open_pfs() as pfs:
        show_all(pfs.glob_files(address, pattern), output, full_times=full_timestamps)


@inspect.command("file")
def inspect_file(ref: RefArgument, output: OutputOption = Output.TEXT) -> None:
    """Show a file or directory."""
    with open_pfs() as pfs:
        show(pfs.inspect_file(ref), output)


@delete.command("file")
def delete_file(
    ref: RefArgument, message: MessageOption = "", output: OutputOption = Output.TEXT
) -> None:
    """Delete a file, or all below a directory: in the open commit, or as one commit."""
    with open_pfs() as pfs:
        show_json(pfs.delete_file(ref, message=message), output)


@copy.command("file")
def copy_file(
    source: Annotated[str, typer.Argument(metavar="FROM", help="REPO@COMMIT:/PATH.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="REPO@BRANCH[:/PATH].")],
    message: MessageOption = "",
    output: OutputOption = Output.TEXT,
) -> None:
    """Copy a file or directory, across repos and commits alike; no bytes move."""
    with open_pfs() as pfs:
        show_json(pfs.copy_file(source, target, message=message), output)


@diff.command("file")
def diff_file(
    new: Annotated[str, typer.Argument(metavar="NEW", help="REPO@COMMIT[:/PATH].")],
    old: Annotated[
        str | None, typer.Argument(metavar="[OLD]", help="[default: the parent of NEW]")
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """List the files that differ between two commits."""
    with open_pfs() as pfs:
        show_all(pfs.diff_files(new, old), output)

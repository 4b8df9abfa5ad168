"""The command that gets files."""

import shutil
import sys
from typing import Annotated

import typer

from pfs_provider.cli.options import RefArgument
from pfs_provider.cli.progress import bytes_bar
from pfs_provider.cli.session import open_pfs
from pfs_provider.cli.tree import get

__all__ = ["get_file"]

BLOCK_BYTES = 1 << 20


@get.command("file")
def get_file(
    ref: RefArgument,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="TARGET", help="Where to. [default: stdout]"),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="A directory's contents, below TARGET.")
    ] = False,
) -> None:
    """Write a file to TARGET or to standard output, or a directory below the folder TARGET."""
    if recursive and output is None:
        raise typer.BadParameter("-r needs a folder to write to: -o TARGET")
    with open_pfs() as pfs:
        if output is None:
            with pfs.open(ref) as stream:
                shutil.copyfileobj(stream, sys.stdout.buffer, BLOCK_BYTES)
        elif recursive:
            with bytes_bar("get", lambda: pfs.inspect_file(ref).size) as progress:
                pfs.get_tree(ref, output, progress=progress)
        else:
            pfs.get_file(ref, output)

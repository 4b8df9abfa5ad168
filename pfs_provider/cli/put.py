"""The command that puts files."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pfs_provider.cli.options import MessageOption, OutputOption
from pfs_provider.cli.progress import bytes_bar, count_bytes
from pfs_provider.cli.session import open_pfs
from pfs_provider.cli.show import Output, show_json
from pfs_provider.cli.tree import put
from pfs_provider.errors import ErrorCode, NotFoundError, RefusedError

if TYPE_CHECKING:
    from pfs_provider.versioning.sources import Source

__all__ = ["put_file"]


@put.command("file")
def put_file(  # noqa: PLR0913, PLR0917 - one parameter for each documented option
    ref: Annotated[
        str, typer.Argument(metavar="REPO@BRANCH[:/PATH]", help="Where; PATH/ is a directory.")
    ],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE]...", help="More of -f.")
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option("--file", "-f", metavar="SOURCE", help="A file, folder (-r), URL, or -."),
    ] = None,
    input_file: Annotated[
        Path | None,
        typer.Option(
            "--input-file", "-i", metavar="LIST", help="A file that names one SOURCE a line."
        ),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Put a folder's contents below PATH.")
    ] = False,
    append: Annotated[
        bool, typer.Option("--append", "-a", help="Add to the files that are there.")
    ] = False,
    message: MessageOption = "",
    output: OutputOption = Output.TEXT,
) -> None:
    """Put files: all into the branch's open commit, or all together as one commit."""
    named = [*(file or []), *(more or []), *_read_list(input_file)]
    if not named:
        raise typer.BadParameter("name what to put: -f SOURCE")
    folders = [name for name in named if name != "-" and Path(name).is_dir()]
    if folders and not recursive:
        raise RefusedError(
            ErrorCode.SOURCE_ILLEGAL,
            f"{folders[0]!r} is a folder: add -r to put what is in it",
            path=folders[0],
        )
    sources: list[Source] = [sys.stdin.buffer if name == "-" else name for name in named]
    with open_pfs() as pfs, bytes_bar("put", lambda: count_bytes(folders)) as progress:
        done = pfs.put_sources(ref, sources, append=append, message=message, progress=progress)
    show_json(done, output)


def _read_list(path: Path | None) -> list[str]:
    """Return the lines of a list that are not empty."""
    if path is None:
        return []
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise NotFoundError(
            ErrorCode.SOURCE_NOT_FOUND, f"there is no list {path}", path=str(path)
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedError(
            ErrorCode.SOURCE_ILLEGAL, f"{path} cannot be read as a list: {error}", path=str(path)
        ) from error
    return [line.strip() for line in text.splitlines() if line.strip()]

"""Commands about the program itself."""

from enum import StrEnum
from typing import Annotated

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined] # its only home in all versions

import pfs_provider
from pfs_provider.cli.options import OutputOption
from pfs_provider.cli.show import Output, json_line, say
from pfs_provider.cli.tree import app

__all__ = ["completion", "version"]


class Shell(StrEnum):
    """Shells that know completion."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@app.command("version")
def version(output: OutputOption = Output.TEXT) -> None:
    """Print the version."""
    number = pfs_provider.__version__
    say(json_line({"version": number}) if output is Output.JSON else number)


@app.command("completion")
def completion(shell: Annotated[Shell, typer.Argument(help="Whose.")]) -> None:
    """Print what makes a shell complete pfs commands: eval "$(pfs completion bash)"."""
    say(get_completion_script(prog_name="pfs", complete_var="_PFS_COMPLETE", shell=shell.value))

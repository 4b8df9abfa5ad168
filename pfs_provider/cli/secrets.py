"""Commands over the secrets of this machine."""

import sys
from typing import Annotated

import typer

from pfs_provider.cli.options import FullTimesOption, OutputOption
from pfs_provider.cli.session import open_pfs
from pfs_provider.cli.show import Output, show, show_all, show_json
from pfs_provider.cli.tree import create, delete, inspect, list_

__all__ = ["create_secret", "delete_secret", "inspect_secret", "list_secret"]

SecretArgument = Annotated[str, typer.Argument(metavar="NAME", help="The secret.")]
SecretFileOption = Annotated[
    str,
    typer.Option(
        "--file", "-f", metavar="FILE|URL|-", help="A Kubernetes Secret; - is standard input."
    ),
]


@create.command("secret")
def create_secret(file: SecretFileOption, output: OutputOption = Output.TEXT) -> None:
    """Put a secret on this machine, for user code that workers here run."""
    with open_pfs() as pfs:
        for made in pfs.create_secret(sys.stdin.buffer if file == "-" else file):
            show_json(made, output)


@list_.command("secret")
def list_secret(
    output: OutputOption = Output.TEXT, full_timestamps: FullTimesOption = False
) -> None:
    """List the secrets of this machine by name, without their values."""
    with open_pfs() as pfs:
        show_all(pfs.list_secrets(), output, full_times=full_timestamps)


@inspect.command("secret")
def inspect_secret(name: SecretArgument, output: OutputOption = Output.TEXT) -> None:
    """Show a secret without its values."""
    with open_pfs() as pfs:
        show(pfs.inspect_secret(name), output)


@delete.command("secret")
def delete_secret(name: SecretArgument) -> None:
    """Remove a secret from this machine."""
    with open_pfs() as pfs:
        pfs.delete_secret(name)

"""The command that prints what user code printed."""

import sys
from typing import Annotated

import typer

from pfs_provider.cli.options import OutputOption
from pfs_provider.cli.session import open_pfs
from pfs_provider.cli.show import Output, json_line, say
from pfs_provider.cli.tree import app

__all__ = ["logs"]


@app.command("logs")
def logs(
    pipeline: Annotated[
        str | None, typer.Option("--pipeline", "-p", help="Of its newest job. [default: any]")
    ] = None,
    job: Annotated[str | None, typer.Option("--job", metavar="PIPELINE@ID")] = None,
    datum: Annotated[str | None, typer.Option("--datum", metavar="ID", help="Only this.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Print what user code printed, datum by datum."""
    with open_pfs() as pfs:
        for line in pfs.logs(pipeline, job=job, datum=datum, follow=follow):
            say(json_line(line) if output is Output.JSON else line.text)
            if follow:
                sys.stdout.flush()

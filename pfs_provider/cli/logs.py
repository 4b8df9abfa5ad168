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
def logs(  # noqa: PLR0913, PLR0917 each is an option of the command
    pipeline: Annotated[
        str | None,
        typer.Option("--pipeline", "-p", help="Of its newest job that ran a datum. [default: any]"),
    ] = None,
    job: Annotated[str | None, typer.Option("--job", metavar="PIPELINE@ID")] = None,
    datum: Annotated[str | None, typer.Option("--datum", metavar="ID", help="Only this.")] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--inputs",
            "--data",
            metavar="[REPO:]/PATH",
            help="Only datums with all of these files; again, or with commas, for more.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Only what was stored later, of all jobs unless one is named: "
            "90s, 1h30m, 2d ago, or a moment with its time zone."
        ),
    ] = None,
    tail: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Only the last N lines.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Print what user code printed, datum by datum."""
    named = [path for text in inputs or [] for path in text.split(",")]
    with open_pfs() as pfs:
        for line in pfs.logs(
            pipeline, job=job, datum=datum, follow=follow, since=since, tail=tail, inputs=named
        ):
            say(json_line(line) if output is Output.JSON else line.text)
            if follow:
                sys.stdout.flush()

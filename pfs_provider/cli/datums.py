"""Commands over datums."""

from typing import Annotated

import typer

from pfs_provider.cli.options import JobArgument, OutputOption
from pfs_provider.cli.session import open_pfs
from pfs_provider.cli.show import Output, show_all
from pfs_provider.cli.specs import (
    ArgOption,
    JsonnetOption,
    SpecFileOption,
    read_specs,
    spec_source,
)
from pfs_provider.cli.tree import list_, restart

__all__ = ["list_datum", "restart_datum"]


@list_.command("datum")
def list_datum(
    job: Annotated[str | None, typer.Argument(metavar="[PIPELINE@ID]", help="Of a job.")] = None,
    file: SpecFileOption = None,
    jsonnet: JsonnetOption = None,
    arg: ArgOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """List the datums of a job, or those that a spec would have if it were created now."""
    if (job is None) == (file is None and jsonnet is None):
        raise typer.BadParameter("name a job, PIPELINE@ID, or a spec, -f FILE")
    source = spec_source(file, jsonnet, arg) if job is None else {}
    with open_pfs() as pfs:
        if job is not None:
            found = pfs.list_datums(job)
        else:
            written = [one.written for one in read_specs(source, pfs.read_specs)]
            found = pfs.preview_datums(written)
        show_all(found, output)


@restart.command("datum")
def restart_datum(
    job: JobArgument,
    datum: Annotated[
        str,
        typer.Argument(
            metavar="ID|PATH[,PATH...]",
            help="The datum of that id, or those that have each of these files: [REPO:]/PATH.",
        ),
    ],
    output: OutputOption = Output.TEXT,
) -> None:
    """End the user code of a datum at work, and start it again; the try does not count."""
    with open_pfs() as pfs:
        restarted = (
            pfs.restart_datum(job, inputs=datum.split(","))
            if "/" in datum
            else pfs.restart_datum(job, datum=datum)
        )
        show_all(restarted, output)

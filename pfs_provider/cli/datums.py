"""Commands over datums."""

from typing import Annotated

import typer

from pfs_provider.cli.options import OutputOption
from pfs_provider.cli.session import open_pfs
from pfs_provider.cli.show import Output, show_all
from pfs_provider.cli.specs import (
    ArgOption,
    JsonnetOption,
    SpecFileOption,
    read_specs,
    spec_source,
)
from pfs_provider.cli.tree import list_

__all__ = ["list_datum"]


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

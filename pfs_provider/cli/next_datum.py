"""What user code that stays up asks: the same as ``/pfs/.next/pfs``, where that is not found."""

from typing import Annotated

import typer

from pfs_provider.cli.tree import next_
from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.next_datum import ask_next, find_folder

__all__ = ["next_datum"]


@next_.command("datum")
def next_datum(
    error: Annotated[
        str | None, typer.Option(metavar="MESSAGE", help="The datum before has failed: why.")
    ] = None,
) -> None:
    """Say how this datum went, and wait until the next one is in /pfs. For user code."""
    if find_folder() is None:
        raise RefusedError(
            ErrorCode.SETTINGS_ILLEGAL,
            "there is nobody to ask for a datum: this is for user code of a pipeline with "
            "transform.datum_batching",
        )
    ask_next(error)

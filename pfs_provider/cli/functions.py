"""Python functions as user code."""

import json
import os
import sys
from typing import Annotated, Any

import typer

from pfs_provider.cli.pipelines import DryRunOption, ReprocessOption
from pfs_provider.cli.session import open_acts, open_pfs
from pfs_provider.cli.show import Output, say, show_json
from pfs_provider.cli.tree import app

__all__ = ["map_"]


class _DryRunError(Exception):
    """Ends the transaction of a dry run."""


@app.command("map")
def map_(  # noqa: PLR0913, PLR0917 - each is one option
    function: Annotated[
        str, typer.Argument(metavar="MODULE:FUNCTION", help="Imported here and where it runs.")
    ],
    source: Annotated[
        str,
        typer.Option(
            "--input",
            metavar="REPO[@BRANCH][:/GLOB]",
            help="What it works, one datum for each match; or a spec's input as JSON.",
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option("--output", metavar="REPO", help="Repo for the results. [default: FUNCTION]"),
    ] = None,
    arg: Annotated[
        list[str] | None,
        typer.Option("--arg", metavar="NAME=VALUE", help="For the function: JSON, or a text."),
    ] = None,
    image: Annotated[
        str | None, typer.Option(help="For pods: it has the module and what that imports.")
    ] = None,
    python: Annotated[
        str | None, typer.Option(help="What runs it. [default: this Python; python3 of the image]")
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option("--env", metavar="NAME=VALUE", help="A variable.")
    ] = None,
    stays_up: Annotated[
        bool, typer.Option("--stays-up", help="One Python for all datums of a worker.")
    ] = False,
    reprocess: ReprocessOption = False,
    dry_run: DryRunOption = False,
    form: Annotated[
        Output, typer.Option("-o", help="json: one object a line, with stable fields.")
    ] = Output.TEXT,
) -> None:
    """Make a Python function the user code of a pipeline, or bring that pipeline up to date."""
    sys.dont_write_bytecode = True  # what is cached now would outlive an edit in the same second
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as `python -m` does: the folder people are in
    options: dict[str, Any] = {
        "input": _input(source),
        "output": target,
        "arguments": {name: _value(text) for name, text in map(_pair, arg or ())},
        "image": image,
        "python": python,
        "env": dict(map(_pair, env or ())),
        "stays_up": stays_up,
    }
    if dry_run:
        _try(function, options)
        return
    with open_acts() as pfs:
        show_json(pfs.map(function, **options, reprocess=reprocess), form)


def _try(function: str, options: dict[str, Any]) -> None:
    """Do it in a transaction that is given up: every check is made, nothing stays."""
    from pfs_provider.verbs.functions import make_map_spec  # noqa: PLC0415 # lazy: --help needs no engine

    try:
        with open_pfs() as pfs, pfs.transaction():
            pfs.map(function, **options)
            raise _DryRunError
    except _DryRunError:
        say(json.dumps(make_map_spec(function, **options), ensure_ascii=False))


def _input(text: str) -> Any:  # noqa: ANN401 - the façade says what is wrong with it
    if not text.lstrip().startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"--input: this is no JSON: {error}") from None


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise typer.BadParameter(f"{text}: write it as NAME=VALUE")
    return name, value


def _value(text: str) -> Any:  # noqa: ANN401 - whatever JSON knows
    try:
        return json.loads(text)
    except ValueError:
        return text

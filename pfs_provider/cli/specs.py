"""Reading a spec once, from wherever it is, with its warnings on stderr.

A spec is named by ``--file``, or made by ``--jsonnet`` of a template and its ``--arg``s.
"""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pfs_provider.cli.show import warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from pfs_provider.spec.load import LoadedSpec
    from pfs_provider.verbs.saving import SpecSource

__all__ = ["ArgOption", "JsonnetOption", "SpecFileOption", "read_specs", "spec_source"]

SpecFileOption = Annotated[
    str | None,
    typer.Option("--file", "-f", metavar="FILE|URL|-", help="The spec; - is standard input."),
]
JsonnetOption = Annotated[
    str | None,
    typer.Option("--jsonnet", metavar="FILE|URL|-", help="A template that makes the spec."),
]
ArgOption = Annotated[
    list[str] | None, typer.Option("--arg", metavar="NAME=VALUE", help="For the template.")
]


def spec_source(file: str | None, jsonnet: str | None, args: list[str] | None) -> "SpecSource":
    """Return what the options name, a template rendered.

    Raises:
        RefusedError: ``spec-illegal``: the template cannot be rendered.
        NotFoundError: ``source-not-found``.
        UnavailableError: ``extra-missing``.
    """
    if (file is None) == (jsonnet is None):
        raise typer.BadParameter("name a spec, --file FILE, or a template, --jsonnet FILE")
    arguments = dict(_argument(text) for text in args or ())
    if jsonnet is not None:
        from pfs_provider.spec.jsonnet import render_jsonnet  # noqa: PLC0415 # lazy: --help needs no engine

        return render_jsonnet(sys.stdin.buffer if jsonnet == "-" else jsonnet, arguments)
    if arguments:
        raise typer.BadParameter("--arg is for a template: --jsonnet FILE --arg NAME=VALUE")
    return sys.stdin.buffer if file == "-" else str(file)


def _argument(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise typer.BadParameter(f"--arg {text}: write it as NAME=VALUE")
    return name, value


def read_specs(
    source: "SpecSource", read: "Callable[[SpecSource], list[LoadedSpec]]"
) -> "list[LoadedSpec]":
    """Return the specs of a source; print what is odd about them.

    Args:
        source: What ``spec_source`` gave.
        read: The façade's verb, which merges the defaults, or one that needs no catalog.

    Raises:
        RefusedError: ``spec-illegal`` with the field's path.
        NotFoundError: ``source-not-found``.
    """
    loaded = read(source)
    for one in loaded:
        for text in (*one.warnings, *one.hints):
            warn(f"pipeline {one.spec.key.name}: {text}")
    return loaded

"""Reading a spec once, from wherever it is, with its warnings on stderr."""

import sys
from typing import TYPE_CHECKING

from pfs_provider.cli.show import warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from pfs_provider.spec.load import LoadedSpec
    from pfs_provider.verbs.saving import SpecSource

__all__ = ["read_specs"]


def read_specs(source: str, read: "Callable[[SpecSource], list[LoadedSpec]]") -> "list[LoadedSpec]":
    """Return the specs of a file, URL or, for ``-``, standard input; print what is odd about them.

    Args:
        source: As the command line has it.
        read: The façade's verb, which merges the defaults, or one that needs no catalog.

    Raises:
        RefusedError: ``spec-illegal`` with the field's path.
        NotFoundError: ``source-not-found``.
    """
    loaded = read(sys.stdin.buffer if source == "-" else source)
    for one in loaded:
        for text in (*one.warnings, *one.hints):
            warn(f"pipeline {one.spec.key.name}: {text}")
    return loaded

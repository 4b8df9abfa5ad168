"""Reading a spec once, from wherever it is, with its warnings on stderr."""

import sys
from typing import TYPE_CHECKING

from pfs_provider.cli.show import warn

if TYPE_CHECKING:
    from pfs_provider.spec.load import LoadedSpec

__all__ = ["read_specs"]


def read_specs(source: str) -> "list[LoadedSpec]":
    """Return the specs of a file, URL or, for ``-``, standard input; print what is odd about them.

    Raises:
        RefusedError: ``spec-illegal`` with the field's path.
        NotFoundError: ``source-not-found``.
    """
    from pfs_provider.verbs.pipelines import validate_pipeline  # noqa: PLC0415 # lazy: --help needs no engine

    loaded = validate_pipeline(sys.stdin.buffer if source == "-" else source)
    for one in loaded:
        for text in (*one.warnings, *one.hints):
            warn(f"pipeline {one.spec.key.name}: {text}")
    return loaded

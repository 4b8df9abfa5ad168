"""Hands out the files of a folder in runs, read and digested, in order.

Invariants: runs come in order and cover every file once; the content of a run is good until the next
one is asked for. Must not know: packs, trees.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pfs_provider.storage.folder_reader import LIMIT, read_files
from pfs_provider.storage.sources import source_error

__all__ = ["Unit", "read_units"]

UNIT_FILES = 512
_BUFFER = 8 << 20


@dataclass(frozen=True, slots=True)
class Unit:
    """A run of files: number of the first, and their columns; a large file has the size -1."""

    first: int
    digests: bytes
    sizes: list[int]
    flags: bytearray
    content: memoryview


def read_units(sources: Sequence[bytes]) -> Iterator[Unit]:
    """Yield the files in runs.

    Raises:
        PfsError: ``source-not-found``, ``source-illegal`` or ``source-unavailable``.
    """
    view = memoryview(bytearray(_BUFFER + LIMIT))
    first = 0
    while first < len(sources):
        try:
            digests, sizes, flags = read_files(sources[first : first + UNIT_FILES], view)
        except OSError as error:
            raise source_error(error, os.fsencode(error.filename or b"")) from error
        yield Unit(first, digests, sizes, flags, view)
        first += len(sizes)

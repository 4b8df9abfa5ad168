"""Hands out the files of a folder in runs, read and digested, in order, by one or two processes.

Invariants: runs come in order and cover every file once; the content of a run is good until the
next one is asked for; the memory for runs read ahead is fixed. Must not know: packs, trees.
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pfs_provider.storage.folder_helper import FolderHelper, open_helper
from pfs_provider.storage.folder_reader import LIMIT, read_files
from pfs_provider.storage.sources import source_error

__all__ = ["Unit", "read_units"]

UNIT_FILES = 512
_BUFFER = (4 << 20) + LIMIT
_SLOTS = 3
"""Runs in shared memory: one that the helper reads, others that wait for their turn."""

_OWN = 2
"""Buffers of this process: one handed out, one read while the helper is behind."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A run of files: number of the first, and their columns; a large file has the size -1."""

    first: int
    digests: bytes
    sizes: list[int]
    flags: bytes | bytearray
    content: memoryview


def read_units(sources: Sequence[bytes]) -> Iterator[Unit]:
    """Yield the files in runs.

    Raises:
        PfsError: ``source-not-found``, ``source-illegal`` or ``source-unavailable``.
    """
    try:
        with open_helper(len(sources), _SLOTS * _BUFFER) as helper:
            yield from _Reader(sources, helper).units()
    except OSError as error:
        raise source_error(error, os.fsencode(error.filename or b"")) from error


class _Reader:
    """Reads runs here and in the helper, and puts them in order."""

    def __init__(self, sources: Sequence[bytes], helper: FolderHelper | None) -> None:
        self._sources = sources
        self._helper = helper
        starts = range(0, len(sources), UNIT_FILES)
        self._todo = deque((at, min(at + UNIT_FILES, len(sources))) for at in starts)
        self._done: dict[int, tuple[Unit, int]] = {}  # by first file; with the end it was to reach
        self._asked: deque[tuple[int, int, int]] = deque()  # first, end, slot
        self._own = [memoryview(bytearray(_BUFFER)) for _ in range(_OWN)]
        self._slots = list(range(_SLOTS))
        self._shared = memoryview(b"") if helper is None else memoryview(helper.shared)
        self._places: dict[int, int] = {}  # slot of a run that the helper read

    def units(self) -> Iterator[Unit]:
        """Yield all runs in order."""
        want = 0
        while want < len(self._sources):
            self._ask()
            if want in self._done:
                unit, end = self._done.pop(want)
                want += len(unit.sizes)
                if want < end:  # the buffer was full
                    self._todo.appendleft((want, end))
                yield unit
                self._release(unit)
            elif self._is_asked(want) and (self._has_answer() or not self._can_read()):
                self._collect()
            else:
                self._read()

    def _is_asked(self, want: int) -> bool:
        return any(first == want for first, _, _ in self._asked)

    def _has_answer(self) -> bool:
        return self._helper is not None and self._helper.has_answer

    def _can_read(self) -> bool:
        # The last buffer is kept for the run that is wanted next, which may be a rest.
        return bool(self._todo) and len(self._own) > 1

    def _ask(self) -> None:
        """Keep the helper busy; the first run is read here, while it starts."""
        while self._helper is not None and self._slots and len(self._todo) > 1:
            first, end = self._todo[1]
            slot = self._slots.pop()
            if not self._helper.ask(
                "read", list(self._sources[first:end]), slot * _BUFFER, _BUFFER
            ):
                self._forget_helper()
                return
            del self._todo[1]
            self._asked.append((first, end, slot))

    def _collect(self) -> None:
        """Take the helper's oldest answer."""
        assert self._helper is not None  # noqa: S101  # something was asked
        answer = self._helper.answer()
        if answer is None:
            self._forget_helper()
            return
        digests, sizes, flags = answer
        first, end, slot = self._asked.popleft()
        content = self._shared[slot * _BUFFER : (slot + 1) * _BUFFER]
        self._done[first] = Unit(first, digests, sizes, flags, content), end
        self._places[first] = slot

    def _read(self) -> None:
        """Read the next run here."""
        first, end = self._todo.popleft()
        view = self._own.pop()
        digests, sizes, flags = read_files(self._sources[first:end], view)
        self._done[first] = Unit(first, digests, sizes, flags, view), end

    def _release(self, unit: Unit) -> None:
        slot = self._places.pop(unit.first, None)
        if slot is None:
            self._own.append(unit.content)
        else:
            self._slots.append(slot)

    def _forget_helper(self) -> None:
        """Go on alone: what the helper was asked for is to be read again."""
        self._todo = deque(sorted([*self._todo, *((a, b) for a, b, _ in self._asked)]))
        self._asked.clear()
        self._slots.clear()
        self._helper = None

"""Collects small files into packs: drops duplicates, ends packs, hands them to the pool.

Invariants: at most `_BUFFERS` packs are in memory; what comes out depends on the files' order and
content alone. One thread fills; the pool compresses and stores.
Must not know: paths, trees, where the files came from.
"""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import wait
from typing import TYPE_CHECKING

from pfs_provider.storage.handle import Storage
from pfs_provider.storage.packs import PACK_CAPACITY, PACK_MIN, PackedFiles, is_pack_end, put_pack

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Packer"]

_BUFFERS = 4
"""Packs in memory: one that fills, the others on their way."""


class Packer:
    """Turns small files into members of packs, numbered from 0 in the order they came."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._seen: dict[bytes, int] = {}
        self._free = [bytearray() for _ in range(_BUFFERS)]
        self._buffer = bytearray()
        self._fill = 0
        self._digests: list[bytes] = []
        self._sizes: list[int] = []
        self._waiting: deque[tuple[Future[PackedFiles], bytearray]] = deque()
        self._failed: BaseException | None = None
        self.packs: list[bytes] = []
        self.spots: list[bytes] = []
        self.places: list[int] = []

    def add(self, content: memoryview, digests: Sequence[bytes], sizes: Sequence[int]) -> list[int]:
        """Take files that lie one after another in ``content``; return their member numbers.

        The content may be reused as soon as this returns. No file is empty.
        """
        members: list[int] = []
        seen = self._seen
        count = len(seen)
        begin = end = 0  # the run of new files not copied yet
        for digest, size in zip(digests, sizes, strict=True):
            number = seen.setdefault(digest, count)
            members.append(number)
            if number != count:
                self._copy(content[begin:end])
                begin = end = end + size
                continue
            count += 1
            end += size
            self._digests.append(digest)
            self._sizes.append(size)
            fill = self._fill + end - begin
            if fill >= PACK_MIN and is_pack_end(fill, digest, size):
                self._copy(content[begin:end])
                begin = end
                self._end_pack()
        self._copy(content[begin:end])
        return members

    def finish(self) -> None:
        """Store what is left and wait until all is durable; then the columns are complete.

        A pack that could not be stored is told again by every later call: nothing may go on
        without its members.
        """
        if self._failed is not None:
            raise self._failed
        if self._digests:
            self._end_pack()
        while self._waiting:
            self._collect()

    def abort(self) -> None:
        """Forget what was not sent yet and wait for what was."""
        for future, _ in self._waiting:
            future.cancel()
        wait([future for future, _ in self._waiting])
        self._waiting.clear()
        self._digests, self._sizes, self._fill = [], [], 0

    def _copy(self, run: memoryview) -> None:
        if not len(run):
            return
        if not self._buffer:
            self._buffer = self._take_buffer()
        end = self._fill + len(run)
        self._buffer[self._fill : end] = run
        self._fill = end

    def _take_buffer(self) -> bytearray:
        if not self._free:
            self._collect()
        return self._free.pop() or bytearray(PACK_CAPACITY)

    def _end_pack(self) -> None:
        buffer, content = self._buffer, memoryview(self._buffer)[: self._fill]
        future = self._storage.pool.submit(
            put_pack, self._storage, content, self._digests, self._sizes
        )
        self._waiting.append((future, buffer))
        self._buffer, self._fill = bytearray(), 0
        self._digests, self._sizes = [], []

    def _collect(self) -> None:
        if self._failed is not None:
            raise self._failed
        future, buffer = self._waiting.popleft()
        try:
            done = future.result()
        except BaseException as error:
            self._failed = error
            raise
        self.packs += [done.pack] * len(done.spots)
        self.spots += done.spots
        self.places += done.places
        self._free.append(buffer)

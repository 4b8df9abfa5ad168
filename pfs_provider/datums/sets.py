"""Cuts datums into sets: what is handed out, uploaded and retried together.

Invariants: the sets cover all datums once, in their order; none is empty.
Must not know: what a datum is; sizes are enough.
"""

from collections.abc import Iterator, Sequence

from pfs_provider.spec.model import PipelineSpec

__all__ = ["MAX_DATUMS", "SETS_PER_WORKER", "cut_sets"]

SETS_PER_WORKER = 4
"""So that a worker that got slow datums leaves sets for the others to take."""

MAX_DATUMS = 4096
"""Of a set, unless the spec wishes otherwise: a worker holds a set and its results in memory."""


def cut_sets(sizes: Sequence[int], spec: PipelineSpec, n_workers: int) -> list[range]:
    """Return the sets as ranges over the datums.

    Args:
        sizes: Bytes of each datum that is to be processed, in datum order.
        spec: Its ``datum_set`` decides; without it each worker gets some four sets, or more where
            those would hold more than ``MAX_DATUMS``.
        n_workers: How many workers there will be; less than 1 counts as 1.
    """
    wish, workers = spec.datum_set, max(1, n_workers)
    if wish.number or wish.size_bytes:
        return list(_cut(sizes, wish.number or len(sizes), wish.size_bytes))
    n_sets = workers * (wish.per_worker or SETS_PER_WORKER)
    if wish.per_worker:
        return list(_split(len(sizes), min(n_sets, len(sizes))))
    return list(_cut(sizes, min(MAX_DATUMS, max(1, len(sizes) // n_sets)), 0))


def _cut(sizes: Sequence[int], number: int, size_bytes: int) -> Iterator[range]:
    """Yield sets of at most ``number`` datums that end where they reach ``size_bytes``."""
    start, total = 0, 0
    for at, size in enumerate(sizes, start=1):
        total += size
        if at - start >= number or (size_bytes and total >= size_bytes):
            yield range(start, at)
            start, total = at, 0
    if start < len(sizes):
        yield range(start, len(sizes))


def _split(total: int, n_sets: int) -> Iterator[range]:
    """Yield so many sets whose lengths differ by one at most."""
    for index in range(n_sets):
        yield range(total * index // n_sets, total * (index + 1) // n_sets)

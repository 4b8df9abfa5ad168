"""Columns of text that line up, written as they come.

Must not know: what is in them.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

__all__ = ["table_lines"]

GAP = 3
BATCH = 500
"""Rows that decide together how wide the columns are; later ones only widen them."""


def table_lines(
    headers: Sequence[str], rows: Iterable[Sequence[str]], *, batch: int = BATCH
) -> Iterator[str]:
    """Yield the lines of a table, header first. The last column is not padded."""
    widths = [len(header) for header in headers]
    pending: list[Sequence[str]] = [headers]
    source = iter(rows)
    while True:
        pending += islice(source, batch)
        if not pending:
            return
        for row in pending:
            widths = [max(width, len(cell)) for width, cell in zip(widths, row, strict=True)]
        for row in pending:
            yield _line(row, widths)
        pending = []


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [cell.ljust(width + GAP) for cell, width in zip(row, widths, strict=True)]
    return "".join([*cells[:-1], row[-1]]).rstrip()

"""Progress bars on stderr, only when a person watches.

Must not know: what is being done. rich is imported when a bar is drawn.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pfs_provider.cli.columns import job_progress

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from pfs_provider.infos import JobInfo

__all__ = ["JobBars", "bytes_bar", "count_bytes", "is_watched"]


def is_watched() -> bool:
    """Return whether stderr is a terminal."""
    return sys.stderr.isatty()


def count_bytes(folders: Iterable[str]) -> int:
    """Return how many bytes the files below some local folders have, as far as they can be read."""
    found = (path for folder in folders for path in Path(folder).rglob("*"))
    total = 0
    for path in found:
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue  # what cannot be read is told by the verb itself
    return total


@contextmanager
def bytes_bar(label: str, total: Callable[[], int]) -> Iterator[Callable[[int, int], None] | None]:
    """Give what a verb tells of files and bytes done; None if nobody watches.

    Args:
        label: What is being done.
        total: Bytes in all; asked only if somebody watches.
    """
    if not is_watched():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 # lazy: only for bars
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn  # noqa: PLC0415 # lazy: only for bars

    columns = ("{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(label, total=total() or None)

        def tell(n_files: int, n_bytes: int) -> None:
            bars.update(task, completed=n_bytes, description=f"{label} {n_files} files")

        yield tell


class JobBars:
    """A bar for each job that runs; nothing if nobody watches."""

    def __init__(self) -> None:
        self._bars: Progress | None = None
        self._tasks: dict[tuple[str, str, str], TaskID] = {}

    def __enter__(self) -> Self:
        if is_watched():
            from rich.console import Console  # noqa: PLC0415 # lazy: only for bars
            from rich.progress import BarColumn, Progress, TimeElapsedColumn  # noqa: PLC0415 # lazy: only for bars

            columns = ("{task.description}", BarColumn(), TimeElapsedColumn())
            self._bars = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def tell(self, job: "JobInfo") -> None:
        """Show how far a job is."""
        if self._bars is None:
            return
        key = (job.project, job.pipeline, job.id)
        if key not in self._tasks:
            self._tasks[key] = self._bars.add_task("")
        done = job.processed + job.skipped + job.recovered + job.failed
        self._bars.update(
            self._tasks[key],
            description=f"{job.pipeline}@{job.id[:8]} {job.state} {job_progress(job)}",
            total=job.total or None,
            completed=done,
        )

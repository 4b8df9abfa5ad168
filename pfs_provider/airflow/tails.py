"""What the user code of failed datums printed last, for the task's log.

Invariant: bounded, whatever failed: so many datums, so many lines of each. ``pfs logs`` has all.
Must not know: which task asks.
"""

from collections.abc import Iterator
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from pfs_provider.airflow.progress import job_reference

if TYPE_CHECKING:
    from pfs_provider.infos import DatumInfo, JobInfo
    from pfs_provider.pfs import Pfs

__all__ = ["MAX_DATUMS", "MAX_LINES", "failed_tails"]

MAX_DATUMS = 10
MAX_LINES = 100


def failed_tails(pfs: "Pfs", job: "JobInfo") -> Iterator[str]:
    """Yield a text for each of the first failed datums of a job: what it was, and its last lines.

    Args:
        pfs: Where.
        job: One that has ended. Costs nothing where none failed.
    """
    if job.failed == 0:
        return
    name = job_reference(job)
    worked = takewhile(lambda datum: datum.state != "skipped", pfs.list_datums(name))
    failed = (datum for datum in worked if datum.state == "failed")
    n_told = 0
    for datum in islice(failed, min(job.failed, MAX_DATUMS)):
        n_told += 1
        yield _text(pfs, name, datum)
    if n_told < job.failed and n_told == MAX_DATUMS:
        yield f"{job.failed - n_told} more datums failed: pfs logs --job {name}"


def _text(pfs: "Pfs", job: str, datum: "DatumInfo") -> str:
    lines = _last_lines(pfs, job, datum)
    files = ", ".join(datum.files)
    code = "" if datum.exit_code is None else f", exit code {datum.exit_code}"
    head = f"datum {datum.id} ({files}) failed after {datum.tries} tries{code}; the last it said:"
    return "\n".join([head, *(f"    {line}" for line in lines)])


def _last_lines(pfs: "Pfs", job: str, datum: "DatumInfo") -> list[str]:
    return [line.text for line in pfs.logs(job=job, datum=datum.id, tail=MAX_LINES)]

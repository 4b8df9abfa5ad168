"""What the results of a job's sets come to: how many of each state, and the records of successes.

Successes are kept sorted on disk, for the three trees that finish makes of them; of the others
there is a number, and the first that failed. Memory does not grow with the datums.
Must not know: states of jobs, outputs.
"""

from collections.abc import Iterator

from pfs_provider.closing import Closing
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.memo import in_batches, write_records
from pfs_provider.jobs.records import DatumResult, MemoRecord, PlanRecord
from pfs_provider.jobs.results import read_results
from pfs_provider.sorting import Sorter
from pfs_provider.storage.gathering import TreeEdits

__all__ = ["Tally"]


class Tally(Closing):
    """Counts and records; `read` fills it once.

    Attributes:
        processed: How many succeeded.
        recovered: How many were recovered.
        failed: How many failed.
        first_failed: The first of them, in datum order.
        manifest: What comes to the job's manifest.
        memo: What comes to the pipeline's memo.
        rows: Output rows by datum id.
    """

    def __init__(self) -> None:
        self.processed = self.recovered = self.failed = 0
        self.first_failed: DatumResult | None = None
        self.manifest = TreeEdits()
        self.memo = TreeEdits()
        self.rows = Sorter()

    def read(self, jobs: Jobs, ref: JobRef, plan: PlanRecord) -> None:
        """Take the results of all sets. Raises as `read_results`."""
        for batch in in_batches(self._successes(jobs, ref, plan)):
            manifest, memo = write_records(jobs.storage, batch)
            self.manifest.put(manifest)
            self.memo.put(memo)
            for record in batch:
                self.rows.add(record.id, record.rows)

    def describe_failure(self) -> str:
        """Return the reason of a job with these failures."""
        first = self.first_failed
        assert first is not None  # noqa: S101  # asked for where some failed
        files = ", ".join(f"{piece.branch}:{piece.path}" for piece in first.pieces)
        more = f"; {self.failed - 1} more failed" if self.failed > 1 else ""
        return f"datum {first.id.hex()} ({files}) failed: {first.reason}{more}"

    def _successes(self, jobs: Jobs, ref: JobRef, plan: PlanRecord) -> Iterator[MemoRecord]:
        for result in read_results(jobs.objects, ref, plan):
            for datum in result.datums:
                if datum.state == "success":
                    self.processed += 1
                    yield MemoRecord(
                        id=datum.id, key=datum.key, pieces=datum.pieces, rows=datum.rows
                    )
                elif datum.state == "recovered":
                    self.recovered += 1
                else:
                    self.failed += 1
                    self.first_failed = self.first_failed or datum

    def close(self) -> None:
        """Forget all. Idempotent."""
        for part in (self.manifest, self.memo, self.rows):
            part.close()

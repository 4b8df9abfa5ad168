"""The end of a job that was cut short: its workers go home, and what they had done is counted.

Invariants: the stop comes first, so that the count is of what stays; a datum without a result when
its job ended counts as failed. Idempotent: whoever ends a job, or finds it ended, may call it.
Must not know: why the job ended.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog.values import Counts, Job
from pfs_provider.errors import CorruptDataError
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.queue import read_plan
from pfs_provider.jobs.records import PlanRecord, SetResult, decode

__all__ = ["send_home"]

READERS = 8
"""Results read at once; they are small, so this hides the store's latency."""


def send_home(jobs: Jobs, ref: JobRef, reason: str) -> Job:
    """Tell the workers of an ended job, and return the job with its counts.

    Args:
        jobs: Where.
        ref: A job that has ended, or nobody could work it again.
        reason: Why it ended, for its workers.

    Raises:
        NotFoundError: ``job-not-found``: it was deleted; its workers are told all the same.
    """
    jobs.objects.create(ref.stop, reason.encode())
    with jobs.versions.catalog.read() as tx:
        job = job_rows.get_job(tx, ref.pipeline, ref.id)
    counts = None if job.manifest is not None else _find_counts(jobs, ref)
    if counts is None or counts == job.counts:
        return job
    with jobs.versions.catalog.write() as tx:
        return job_rows.recount_job(tx, ref.pipeline, ref.id, counts)


def _find_counts(jobs: Jobs, ref: JobRef) -> Counts | None:
    try:
        plan = read_plan(jobs.objects, ref)
        return None if plan is None else _count(jobs, ref, plan)
    except CorruptDataError:
        return None  # perhaps why it ended: what the catalog says has to do


def _count(jobs: Jobs, ref: JobRef, plan: PlanRecord) -> Counts:
    store = jobs.objects

    def states(key: str) -> Counter[str]:
        result = decode(store.read(key), SetResult, name=key)
        return Counter(datum.state for datum in result.datums)

    found: Counter[str] = Counter()
    with ThreadPoolExecutor(READERS) as pool:
        for part in pool.map(states, [info.key for info in store.list(ref.results)]):
            found += part
    done, recovered = found["success"], found["recovered"]
    return Counts(
        total=plan.total,
        processed=done,
        skipped=plan.skipped,
        recovered=recovered,
        failed=plan.total - plan.skipped - done - recovered,
    )

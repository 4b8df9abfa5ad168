"""What succeeded in jobs that never came to their finish: killed, timed out, left by their workers.

Their results lie in the store; before the next job is planned they go into the memo, so that
nothing that was done is done again. Idempotent. Must not know: why a job ended.
"""

from collections.abc import Iterator

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog import pipelines
from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.memo import in_batches, write_records
from pfs_provider.jobs.records import MemoRecord, SetResult, decode
from pfs_provider.refs.names import PipelineKey
from pfs_provider.storage.gathering import TreeEdits
from pfs_provider.storage.values import EMPTY_TREE, parse_tree_ref

__all__ = ["salvage_results"]

MAX_JOBS = 20
"""How far back is looked at most, so that planning does not cost by a long row of killed jobs."""


def salvage_results(jobs: Jobs, pipeline: PipelineKey) -> None:
    """Bring the successes of unfinished jobs into a pipeline's memo.

    Only jobs after the last one that was finished are looked at: the others were seen before.
    """
    with TreeEdits() as edits:
        found = (record for ref in _find_unfinished(jobs, pipeline) for record in _read(jobs, ref))
        for batch in in_batches(found):
            edits.put(write_records(jobs.storage, batch)[1])
        with jobs.versions.catalog.read() as tx:
            old = pipelines.get_pipeline(tx, pipeline).memo
        memo = edits.apply(jobs.storage, EMPTY_TREE if old is None else parse_tree_ref(old))
    if memo == EMPTY_TREE or memo.text == old:
        return
    try:
        with jobs.versions.catalog.write() as tx:
            pipelines.set_memo(tx, pipeline, old=old, new=memo.text)
    except ConflictError as error:
        if error.code != ErrorCode.BRANCH_MOVED:
            raise
        # Somebody else moved the memo: at worst a datum is worked once more.


def _find_unfinished(jobs: Jobs, pipeline: PipelineKey) -> Iterator[JobRef]:
    with jobs.versions.catalog.read() as tx:
        found = job_rows.list_jobs(tx, pipeline, limit=MAX_JOBS)
    for job in found:
        if job.manifest is not None:
            return
        if job.has_ended and job.plan is not None:
            yield JobRef(job.pipeline, job.id)


def _read(jobs: Jobs, ref: JobRef) -> Iterator[MemoRecord]:
    for info in jobs.objects.list(ref.results):
        result = decode(jobs.objects.read(info.key), SetResult, name=info.key)
        for datum in result.datums:
            if datum.state == "success":
                yield MemoRecord(id=datum.id, key=datum.key, pieces=datum.pieces, rows=datum.rows)

"""finish: from the results of all sets to a finished output commit.

Idempotent: everything before the last transaction only makes objects named by their content, and
the last transaction ends the job once. Order: records, manifest, output tree, egress, memo, then
one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pfs_provider.catalog import commits, pipelines
from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog.transaction import Tx
from pfs_provider.catalog.values import Counts, Job
from pfs_provider.datums.identity import datum_id
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, UnknownOutcomeError
from pfs_provider.jobs.egress import send_output
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.inputs import expand_inputs, load_spec
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.memo import write_records
from pfs_provider.jobs.merging import NOTHING, Base, merge_in_order, merge_outputs
from pfs_provider.jobs.queue import read_plan
from pfs_provider.jobs.records import DatumResult, MemoRecord, PlanRecord
from pfs_provider.jobs.results import read_results
from pfs_provider.spec.model import PipelineSpec
from pfs_provider.storage.apply import apply_changes
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.values import EMPTY_TREE, TreeRef, parse_tree_ref

__all__ = ["fail_job", "finish_job"]


@dataclass(slots=True)
class _Tally:
    succeeded: list[MemoRecord] = field(default_factory=list)
    recovered: int = 0
    failed: list[DatumResult] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    state: Literal["success", "failure"]
    reason: str
    tree: TreeRef
    manifest: TreeRef
    memo_rows: Rows


def finish_job(jobs: Jobs, ref: JobRef) -> Job:
    """End a job whose work is done; its output commit is finished, what is downstream gets ready.

    Args:
        jobs: Where.
        ref: A planned job.

    Returns:
        The ended job; the same for a job that had ended already.

    Raises:
        ConflictError: ``job-not-ready``: it has no plan, or a set has no result yet.
    """
    with jobs.versions.catalog.read() as tx:
        job = job_rows.get_job(tx, ref.pipeline, ref.id)
    if job.has_ended:
        return job
    plan = read_plan(jobs.objects, ref)
    if plan is None:
        raise ConflictError(
            ErrorCode.JOB_NOT_READY, f"{ref} has no plan yet: plan it first", job=str(ref)
        )
    tally = _tally(jobs, ref, plan)
    outcome = _merge(jobs, job, plan, tally)
    try:
        if outcome.state == "success":
            problem = send_output(jobs, job, outcome.tree)
            if problem is not None:
                outcome = replace(outcome, state="failure", reason=problem)
        ended = _record(jobs, ref, plan, tally, outcome)
    except (ConflictError, UnknownOutcomeError):
        # Somebody ended it meanwhile, or the answer was lost: what the catalog says counts.
        with jobs.versions.catalog.read() as tx:
            ended = job_rows.get_job(tx, ref.pipeline, ref.id)
        if not ended.has_ended:
            raise
    jobs.objects.create(ref.stop, b"done")
    return ended


def fail_job(tx: Tx, ref: JobRef, reason: str) -> Job:
    """End a job that cannot be worked: every datum that was not skipped counts as failed.

    Args:
        tx: The transaction.
        ref: Which job; one that has ended stays as it is.
        reason: Why, for its commit and its users.
    """
    job = job_rows.get_job(tx, ref.pipeline, ref.id)
    if job.has_ended:
        return job
    rest = job.counts.total - job.counts.skipped
    return job_rows.finish_job(
        tx,
        ref.pipeline,
        ref.id,
        state="failure",
        reason=reason,
        counts=replace(job.counts, failed=rest),
        tree=EMPTY_TREE.text,
        n_files=0,
        size=0,
    )


def _tally(jobs: Jobs, ref: JobRef, plan: PlanRecord) -> _Tally:
    tally = _Tally()
    for result in read_results(jobs.objects, ref, plan):
        for datum in result.datums:
            if datum.state == "success":
                tally.succeeded.append(
                    MemoRecord(id=datum.id, key=datum.key, pieces=datum.pieces, rows=datum.rows)
                )
            elif datum.state == "recovered":
                tally.recovered += 1
            else:
                tally.failed.append(datum)
    return tally


def _merge(jobs: Jobs, job: Job, plan: PlanRecord, tally: _Tally) -> _Outcome:
    storage = jobs.storage
    rows, memo_rows = write_records(storage, tally.succeeded)
    manifest = apply_changes(storage, parse_tree_ref(plan.skipped_tree), deletes=(), rows=rows)
    state: Literal["success", "failure"] = "success"
    reason = ""
    if tally.failed:
        state, reason = "failure", _describe(tally.failed)
    try:
        tree = _output(jobs, job, plan, manifest, tally)
    except ConflictError as error:
        if error.code not in {ErrorCode.OUTPUT_CONFLICT, ErrorCode.PATH_CONFLICT}:
            raise
        state, reason, tree = "failure", str(error), EMPTY_TREE
    return _Outcome(state=state, reason=reason, tree=tree, manifest=manifest, memo_rows=memo_rows)


def _output(jobs: Jobs, job: Job, plan: PlanRecord, manifest: TreeRef, tally: _Tally) -> TreeRef:
    spec, _ = load_spec(jobs, job)
    if spec.output_conflict != "fail":
        order = _datum_order(jobs, spec, plan)
        return merge_in_order(jobs.storage, manifest, order, policy=spec.output_conflict)
    fresh = {record.id: record for record in tally.succeeded}
    return merge_outputs(jobs.storage, manifest, _find_base(jobs, job), fresh)


def _datum_order(jobs: Jobs, spec: PipelineSpec, plan: PlanRecord) -> Sequence[bytes]:
    pins = {pin.branch: pin for pin in plan.inputs}
    return [datum_id(datum) for datum in expand_inputs(jobs.storage, spec, pins)]


def _find_base(jobs: Jobs, job: Job) -> Base:
    with jobs.versions.catalog.read() as tx:
        previous = job_rows.previous_job(tx, job.pipeline, job.id)
        if previous is None or previous.manifest is None:
            return NOTHING
        try:
            commit = commits.get_commit(tx, previous.output.repo, previous.id)
        except NotFoundError:
            return NOTHING  # squashed or deleted: start from nothing
    if previous.version != job.version and load_spec(jobs, previous)[0].output_conflict != "fail":
        return NOTHING
    return Base(manifest=parse_tree_ref(previous.manifest), output=parse_tree_ref(commit.tree))


def _record(jobs: Jobs, ref: JobRef, plan: PlanRecord, tally: _Tally, outcome: _Outcome) -> Job:
    """End the job and move the memo in one transaction; a memo that moved meanwhile is followed."""
    while True:
        with jobs.versions.catalog.read() as tx:
            old = pipelines.get_pipeline(tx, ref.pipeline).memo
        memo = apply_changes(
            jobs.storage,
            EMPTY_TREE if old is None else parse_tree_ref(old),
            deletes=(),
            rows=outcome.memo_rows,
        )
        with jobs.versions.catalog.write() as tx:
            if pipelines.get_pipeline(tx, ref.pipeline).memo != old:
                continue
            if memo != EMPTY_TREE and memo.text != old:
                pipelines.set_memo(tx, ref.pipeline, old=old, new=memo.text)
            return job_rows.finish_job(
                tx,
                ref.pipeline,
                ref.id,
                state=outcome.state,
                reason=outcome.reason,
                counts=Counts(
                    total=plan.total,
                    processed=len(tally.succeeded),
                    skipped=plan.skipped,
                    recovered=tally.recovered,
                    failed=len(tally.failed),
                ),
                tree=outcome.tree.text,
                n_files=outcome.tree.n_files,
                size=outcome.tree.size,
                manifest=outcome.manifest.text,
            )


def _describe(failed: Sequence[DatumResult]) -> str:
    first = failed[0]
    files = ", ".join(f"{piece.branch}:{piece.path}" for piece in first.pieces)
    more = f"; {len(failed) - 1} more failed" if len(failed) > 1 else ""
    return f"datum {first.id.hex()} ({files}) failed: {first.reason}{more}"

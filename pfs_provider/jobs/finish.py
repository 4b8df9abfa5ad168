"""finish: from the results of all sets to a finished output commit.

Idempotent: everything before the last transaction only makes objects named by their content, and
the last transaction ends the job once. Order: records, manifest, output tree, egress, memo, then
one transaction.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
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
from pfs_provider.jobs.merging import NOTHING, Base, merge_in_order, merge_outputs
from pfs_provider.jobs.queue import read_plan
from pfs_provider.jobs.records import PlanRecord
from pfs_provider.jobs.tally import Tally
from pfs_provider.spec.model import PipelineSpec
from pfs_provider.storage.values import EMPTY_TREE, TreeRef, parse_tree_ref

__all__ = ["fail_job", "finish_job"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    state: Literal["success", "failure"]
    reason: str
    tree: TreeRef
    manifest: TreeRef


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
    with Tally() as tally:
        tally.read(jobs, ref, plan)
        try:
            # All is worked; a large merge takes a while. If the answer is lost, so be it: only the
            # end of the job must be known.
            with suppress(UnknownOutcomeError), jobs.versions.catalog.write() as tx:
                job_rows.set_job_state(tx, ref.pipeline, ref.id, "finishing")
            outcome = _merge(jobs, job, plan, tally)
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


def _merge(jobs: Jobs, job: Job, plan: PlanRecord, tally: Tally) -> _Outcome:
    manifest = tally.manifest.apply(jobs.storage, parse_tree_ref(plan.skipped_tree))
    state: Literal["success", "failure"] = "success"
    reason = ""
    if tally.failed:
        state, reason = "failure", tally.describe_failure()
    try:
        tree = _output(jobs, job, plan, manifest, tally)
    except ConflictError as error:
        if error.code not in {ErrorCode.OUTPUT_CONFLICT, ErrorCode.PATH_CONFLICT}:
            raise
        state, reason, tree = "failure", str(error), EMPTY_TREE
    return _Outcome(state=state, reason=reason, tree=tree, manifest=manifest)


def _output(jobs: Jobs, job: Job, plan: PlanRecord, manifest: TreeRef, tally: Tally) -> TreeRef:
    spec, _ = load_spec(jobs, job)
    if spec.output_conflict != "fail":
        order = _datum_order(jobs, spec, plan)
        return merge_in_order(jobs.storage, manifest, order, policy=spec.output_conflict)
    return merge_outputs(jobs.storage, manifest, _find_base(jobs, job), tally.rows)


def _datum_order(jobs: Jobs, spec: PipelineSpec, plan: PlanRecord) -> Iterator[bytes]:
    pins = {pin.branch: pin for pin in plan.inputs}
    return (datum_id(datum) for datum in expand_inputs(jobs.storage, spec, pins))


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


def _record(jobs: Jobs, ref: JobRef, plan: PlanRecord, tally: Tally, outcome: _Outcome) -> Job:
    """End the job and move the memo in one transaction; a memo that moved meanwhile is followed."""
    while True:
        with jobs.versions.catalog.read() as tx:
            old = pipelines.get_pipeline(tx, ref.pipeline).memo
        memo = tally.memo.apply(jobs.storage, EMPTY_TREE if old is None else parse_tree_ref(old))
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
                    processed=tally.processed,
                    skipped=plan.skipped,
                    recovered=tally.recovered,
                    failed=tally.failed,
                ),
                tree=outcome.tree.text,
                n_files=outcome.tree.n_files,
                size=outcome.tree.size,
                manifest=outcome.manifest.text,
            )

"""plan: from a job's pinned inputs to datum sets in the store.

Idempotent: the plan object is created once; whoever plans again reads that one. A datum whose key
is in the memo is skipped, its record taken over by reference. Order: sets, then the plan, then the
job's row.
"""

from itertools import islice

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog.values import Counts
from pfs_provider.datums.identity import code_digest, whole_digest
from pfs_provider.datums.sets import cut_sets
from pfs_provider.jobs.candidates import find_candidates
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.inputs import expand_inputs, load_spec, pinned_inputs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.log_rules import masked_variables
from pfs_provider.jobs.queue import read_plan
from pfs_provider.jobs.records import Command, PlanRecord, SetRecord, encode
from pfs_provider.jobs.salvage import salvage_results
from pfs_provider.jobs.todo import Todo
from pfs_provider.spec.model import PipelineSpec
from pfs_provider.storage.values import EMPTY_TREE, parse_tree_ref

__all__ = ["load_spec", "make_command", "plan_job"]


def plan_job(jobs: Jobs, ref: JobRef, *, n_workers: int | None = None) -> PlanRecord:
    """Return the job's plan, made now if there is none yet.

    Args:
        jobs: Where.
        ref: A job whose inputs are finished.
        n_workers: How many workers there will be; None leaves it to the spec.

    Raises:
        NotFoundError: ``job-not-found``.
        ConflictError: ``job-finished``: it ended meanwhile, for instance killed.
    """
    plan = read_plan(jobs.objects, ref)
    if plan is None:
        plan = _make_plan(jobs, ref, n_workers)
    with jobs.versions.catalog.write() as tx:
        job_rows.set_job_state(
            tx,
            ref.pipeline,
            ref.id,
            "running",
            expected=("starting", "running", "finishing", "egressing"),
            counts=Counts(total=plan.total, skipped=plan.skipped),
            plan=ref.plan,
        )
    return plan


def _make_plan(jobs: Jobs, ref: JobRef, n_workers: int | None) -> PlanRecord:
    with jobs.versions.catalog.read() as tx:
        job = job_rows.get_job(tx, ref.pipeline, ref.id)
    salvage_results(jobs, ref.pipeline)
    spec, memo = load_spec(jobs, job)
    pins = pinned_inputs(jobs, job.pins)
    code = code_digest(spec)
    if spec.reprocess_spec == "every_job":
        code += bytes.fromhex(ref.id)
    if spec.s3_out:
        code = whole_digest(expand_inputs(jobs.storage, spec, pins), code)
    draft = jobs.versions.ids.new_id()
    workers = n_workers or spec.parallelism
    with Todo() as todo:
        candidates = find_candidates(jobs, job, spec, pins)
        todo.fill(
            jobs.storage, candidates, code, EMPTY_TREE if memo is None else parse_tree_ref(memo)
        )
        sets = cut_sets(todo.sizes, spec, workers)
        datums = iter(todo)
        for number, part in enumerate(sets):
            record = SetRecord(datums=list(islice(datums, len(part))))
            jobs.objects.create(ref.set(draft, number), encode(record))
    plan = PlanRecord(
        project=ref.pipeline.project,
        pipeline=ref.pipeline.name,
        spec_version=job.version,
        job=ref.id,
        command=make_command(spec),
        tries=spec.datum_tries,
        datum_timeout_s=spec.datum_timeout_s,
        inputs=list(pins.values()),
        total=todo.total,
        skipped=todo.total - len(todo.sizes),
        draft=draft,
        set_sizes=[len(part) for part in sets],
        workers=max(1, min(workers, len(sets))),
        skipped_tree=todo.skipped.text,
        max_log_bytes=jobs.log_rules.max_bytes,
        program_start_s=jobs.program_start_s,
        masked=masked_variables(spec, jobs.log_rules),
        key_indexes=candidates.indexes,
    )
    if jobs.objects.create(ref.plan, encode(plan)):
        return plan
    first = read_plan(jobs.objects, ref)
    return plan if first is None else first


def make_command(spec: PipelineSpec) -> Command:
    """Return how a pipeline's user code is started."""
    transform = spec.transform
    return Command(
        cmd=list(transform.cmd),
        stdin=list(transform.stdin),
        env=dict(transform.env),
        accept_codes=list(transform.accept_return_code),
        err_cmd=list(transform.err_cmd),
        err_stdin=list(transform.err_stdin),
        user=transform.user,
        working_dir=transform.working_dir,
        image=transform.image or "",
        stays_up=transform.datum_batching or transform.python_batching,
        is_looped=transform.python_batching,
    )

"""plan: from a job's pinned inputs to datum sets in the store.

Idempotent: the plan object is created once; whoever plans again reads that one. A datum whose key
is in the memo is skipped, its record taken over by reference. Order: sets, then the plan, then the
job's row.
"""

from dataclasses import dataclass
from itertools import islice

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog.values import Counts
from pfs_provider.datums.datum import Datum
from pfs_provider.datums.identity import code_digest, datum_id, datum_key, whole_digest
from pfs_provider.datums.sets import cut_sets
from pfs_provider.jobs.candidates import Candidates, find_candidates
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.inputs import expand_inputs, load_spec, pinned_inputs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.log_rules import masked_variables
from pfs_provider.jobs.memo import find_in_memo, take_over, write_records
from pfs_provider.jobs.queue import read_plan
from pfs_provider.jobs.records import (
    Command,
    DatumRecord,
    MemoRecord,
    PieceRecord,
    PlanRecord,
    SetRecord,
    encode,
)
from pfs_provider.jobs.salvage import salvage_results
from pfs_provider.spec.model import PipelineSpec
from pfs_provider.storage.apply import apply_changes
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import Rows, merge_rows
from pfs_provider.storage.values import EMPTY_TREE, Entry, TreeRef, parse_tree_ref

__all__ = ["load_spec", "plan_job"]

BATCH = 4096
"""Datums looked up in the memo at once: enough to share pages, few enough to hold."""


@dataclass(slots=True)
class _Split:
    """Datums divided by whether their result is known; ``sizes`` are the bytes of ``todo``."""

    todo: list[DatumRecord]
    sizes: list[int]
    skipped: TreeRef
    total: int


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
            expected=("starting", "running", "egressing"),
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
    split = _split(
        jobs.storage,
        find_candidates(jobs, job, spec, pins),
        code,
        EMPTY_TREE if memo is None else parse_tree_ref(memo),
    )
    workers = n_workers or spec.parallelism
    draft = jobs.versions.ids.new_id()
    sets = [
        SetRecord(datums=split.todo[part.start : part.stop])
        for part in cut_sets(split.sizes, spec, workers)
    ]
    for number, record in enumerate(sets):
        jobs.objects.create(ref.set(draft, number), encode(record))
    plan = PlanRecord(
        project=ref.pipeline.project,
        pipeline=ref.pipeline.name,
        spec_version=job.version,
        job=ref.id,
        command=_command(spec),
        tries=spec.datum_tries,
        datum_timeout_s=spec.datum_timeout_s,
        inputs=list(pins.values()),
        total=split.total,
        skipped=split.total - len(split.todo),
        draft=draft,
        set_sizes=[len(record.datums) for record in sets],
        workers=max(1, min(workers, len(sets))),
        skipped_tree=split.skipped.text,
        max_log_bytes=jobs.log_rules.max_bytes,
        masked=masked_variables(spec, jobs.log_rules),
    )
    if jobs.objects.create(ref.plan, encode(plan)):
        return plan
    first = read_plan(jobs.objects, ref)
    return plan if first is None else first


def _split(storage: Storage, candidates: Candidates, code: bytes, memo: TreeRef) -> _Split:
    todo: list[DatumRecord] = []
    sizes: list[int] = []
    skipped: list[Rows] = []
    total = candidates.n_kept
    while batch := list(islice(candidates.datums, BATCH)):
        total += len(batch)
        keys = [datum_key(datum, code) for datum in batch]
        known: list[tuple[str, Entry]] = []
        others: list[MemoRecord] = []
        for datum, key, entry in zip(batch, keys, find_in_memo(storage, memo, keys), strict=True):
            record = _record(datum, key)
            if entry is None:
                todo.append(record)
                sizes.append(datum.size)
            elif entry.datum == record.id:
                known.append(("/" + record.id.hex(), entry))
            else:
                others.append(take_over(storage, entry, record))
        skipped += [Rows.from_entries(known), write_records(storage, others)[0]]
    tree = apply_changes(
        storage,
        candidates.manifest,
        deletes=["/" + datum.hex() for datum in candidates.gone],
        rows=merge_rows(skipped),
    )
    return _Split(todo, sizes, tree, total)


def _record(datum: Datum, key: bytes) -> DatumRecord:
    return DatumRecord(
        id=datum_id(datum),
        key=key,
        pieces=[
            PieceRecord(
                input=piece.input,
                branch=piece.branch.full,
                path=piece.path,
                is_dir=piece.is_dir,
                mode=_mode(piece.empty_files, piece.s3),
                join_on=piece.join_on,
                group_by=piece.group_by,
            )
            for piece in datum.pieces
        ],
    )


def _mode(empty_files: bool, s3: bool) -> str:
    if s3:
        return "s3"
    return "empty" if empty_files else "files"


def _command(spec: PipelineSpec) -> Command:
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
    )

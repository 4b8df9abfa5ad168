"""plan: from a job's pinned inputs to datum sets in the store.

Idempotent: the plan object is created once; whoever plans again reads that one. A datum whose key
is in the memo is skipped, its record taken over by reference. Order: sets, then the plan, then the
job's row.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from pfs_provider.catalog import commits, pipelines
from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog.values import CommitPin, Counts, Job
from pfs_provider.datums.datum import Datum
from pfs_provider.datums.expand import expand
from pfs_provider.datums.identity import code_digest, datum_id, datum_key, whole_digest
from pfs_provider.datums.sets import cut_sets
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.memo import find_in_memo, take_over, write_records
from pfs_provider.jobs.queue import read_plan
from pfs_provider.jobs.records import (
    Command,
    DatumRecord,
    InputPin,
    MemoRecord,
    PieceRecord,
    PlanRecord,
    SetRecord,
    encode,
)
from pfs_provider.jobs.salvage import salvage_results
from pfs_provider.refs.globs import compile_glob
from pfs_provider.spec.load import load_specs
from pfs_provider.spec.model import PfsInput, PipelineSpec
from pfs_provider.storage.apply import apply_changes
from pfs_provider.storage.globbing import glob_items
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.rows import Rows, merge_rows
from pfs_provider.storage.values import EMPTY_TREE, Entry, TreeItem, TreeRef, parse_tree_ref
from pfs_provider.versioning.trees import commit_tree

__all__ = ["expand_inputs", "load_spec", "pinned_inputs", "plan_job"]

BATCH = 4096
"""Datums looked up in the memo at once: enough to share pages, few enough to hold."""


@dataclass(slots=True)
class _Split:
    """Datums divided by whether their result is known; ``sizes`` are the bytes of ``todo``."""

    todo: list[DatumRecord]
    sizes: list[int]
    skipped: Rows
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
            expected=("starting", "running"),
            counts=Counts(total=plan.total, skipped=plan.skipped),
            plan=ref.plan,
        )
    return plan


def load_spec(jobs: Jobs, job: Job) -> tuple[PipelineSpec, str | None]:
    """Return the spec of the version that a job runs, and the pipeline's memo."""
    with jobs.versions.catalog.read() as tx:
        version = pipelines.get_pipeline(tx, job.pipeline, version=job.version)
        memo = pipelines.get_pipeline(tx, job.pipeline).memo
    return load_specs(version.spec)[0].spec, memo


def pinned_inputs(jobs: Jobs, pins: Sequence[CommitPin]) -> dict[str, InputPin]:
    """Return for each input branch, by its full name, the tree that the job reads."""
    out: dict[str, InputPin] = {}
    for pin in pins:
        with jobs.versions.catalog.read() as tx:
            commit = commits.get_commit(tx, pin.branch.repo, pin.id)
        tree = commit_tree(jobs.versions, commit)
        out[pin.branch.full] = InputPin(branch=pin.branch.full, commit=pin.id, tree=tree.text)
    return out


def expand_inputs(
    storage: Storage, spec: PipelineSpec, pins: dict[str, InputPin]
) -> Iterator[Datum]:
    """Yield the datums of pinned inputs, in datum order; an input without a pin is empty."""

    def look_up(part: PfsInput) -> Iterable[TreeItem]:
        pin = pins.get(part.branch_key.full)
        if pin is None:
            return ()
        return glob_items(storage, parse_tree_ref(pin.tree), compile_glob(part.glob))

    return expand(spec.input, look_up)


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
        expand_inputs(jobs.storage, spec, pins),
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
    skipped_tree = apply_changes(jobs.storage, EMPTY_TREE, deletes=(), rows=split.skipped)
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
        skipped_tree=skipped_tree.text,
    )
    if jobs.objects.create(ref.plan, encode(plan)):
        return plan
    first = read_plan(jobs.objects, ref)
    return plan if first is None else first


def _split(storage: Storage, datums: Iterator[Datum], code: bytes, memo: TreeRef) -> _Split:
    todo: list[DatumRecord] = []
    sizes: list[int] = []
    skipped: list[Rows] = []
    total = 0
    while batch := list(islice(datums, BATCH)):
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
    return _Split(todo, sizes, merge_rows(skipped), total)


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

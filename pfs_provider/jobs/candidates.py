"""Which datums a plan has to look at: all of them, or those that differ from an earlier job's.

The earlier job is the one whose output the new one builds upon. Where its code and its input are
the same, a datum that the change of the input trees does not touch has the result that the earlier
job's manifest names: it is skipped without being looked at.

Invariant: what is skipped so would be found in the memo, had it been looked up; a property test
compares. Must not know: memos, sets. Source: docs/design/0020-cost-by-the-change.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pfs_provider.catalog import jobs as job_rows
from pfs_provider.catalog.values import Job
from pfs_provider.datums.changes import can_find_changed, find_changed
from pfs_provider.datums.datum import Datum
from pfs_provider.datums.identity import code_digest, datum_id
from pfs_provider.errors import NotFoundError
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.inputs import (
    Indexes,
    Pins,
    expand_inputs,
    input_side,
    input_tree,
    load_spec,
    pinned_inputs,
)
from pfs_provider.jobs.key_index import indexed_inputs, make_index
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.queue import read_plan
from pfs_provider.spec.model import PipelineSpec
from pfs_provider.storage.values import EMPTY_TREE, TreeRef, parse_tree_ref

__all__ = ["Candidates", "find_candidates"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The datums to look at, and what is known of all others.

    Attributes:
        datums: Those to look at, in datum order; to be taken once.
        manifest: An earlier job's, with all datums that are not looked at.
        gone: Ids of the datums in that manifest that vanished, or are looked at again; to be taken
            once. All others of it are skipped without being looked at.
        indexes: What the next job finds the keys of this one's inputs by.
    """

    datums: Iterator[Datum]
    manifest: TreeRef = EMPTY_TREE
    gone: Iterator[bytes] = field(default_factory=lambda: iter(()))
    indexes: Indexes = field(default_factory=dict)


def find_candidates(jobs: Jobs, job: Job, spec: PipelineSpec, pins: Pins) -> Candidates:
    """Return what a job's plan has to look at."""
    if _results_of(spec) is None or not can_find_changed(spec.input):
        return Candidates(datums=expand_inputs(jobs.storage, spec, pins))
    earlier = _find_earlier(jobs, job, spec)
    if earlier is None:
        indexes = _make_indexes(jobs, spec, pins, {}, {})
        return Candidates(datums=expand_inputs(jobs.storage, spec, pins), indexes=indexes)
    old, old_pins, old_indexes = earlier
    indexes = _make_indexes(jobs, spec, pins, old_pins, old_indexes)
    manifest = _find_manifest(jobs, job, spec, old)
    if manifest is None:
        return Candidates(datums=expand_inputs(jobs.storage, spec, pins), indexes=indexes)
    was = input_side(jobs.storage, old_pins, pins, old_indexes)
    now = input_side(jobs.storage, pins, old_pins, indexes)
    gone = (datum_id(datum) for datum in find_changed(spec.input, was, now))
    changed = find_changed(spec.input, now, was)
    return Candidates(datums=changed, manifest=manifest, gone=gone, indexes=indexes)


def _find_earlier(jobs: Jobs, job: Job, spec: PipelineSpec) -> tuple[Job, Pins, Indexes] | None:
    """Return the job that this one builds upon, what it read, and the indexes of that."""
    with jobs.versions.catalog.read() as tx:
        earlier = job_rows.previous_job(tx, job.pipeline, job.id)
    if earlier is None:
        return None
    try:
        pins = pinned_inputs(jobs, earlier.pins)
    except NotFoundError:
        return None  # deleted meanwhile: look at all
    if not any(indexed_inputs(spec.input)):
        return earlier, pins, {}
    plan = read_plan(jobs.objects, JobRef(earlier.pipeline, earlier.id))
    return earlier, pins, {} if plan is None else plan.key_indexes


def _find_manifest(jobs: Jobs, job: Job, spec: PipelineSpec, earlier: Job) -> TreeRef | None:
    """Return the manifest of an earlier job if this one can go on from it."""
    if earlier.manifest is None:
        return None
    manifest = parse_tree_ref(earlier.manifest)
    if manifest.n_files != earlier.counts.total:
        return None  # a recovered datum is in no manifest, and has to be worked again
    if earlier.version != job.version:
        try:
            old, _ = load_spec(jobs, earlier)
        except NotFoundError:
            return None  # deleted meanwhile
        if old.input != spec.input or _results_of(old) != _results_of(spec):
            return None
    return manifest


def _make_indexes(
    jobs: Jobs, spec: PipelineSpec, pins: Pins, old_pins: Pins, old_indexes: Indexes
) -> Indexes:
    """Return the indexes of what a job reads, made of an earlier job's where it had them."""
    out: Indexes = {}
    for keyed in indexed_inputs(spec.input):
        tree, old = input_tree(pins, keyed.part), input_tree(old_pins, keyed.part)
        before = old_indexes.get(keyed.index_name(old))
        base = None if before is None else (old, parse_tree_ref(before))
        out[keyed.index_name(tree)] = make_index(jobs.storage, keyed, tree, base).text
    return out


def _results_of(spec: PipelineSpec) -> bytes | None:
    """Return what decides a datum's result beside its files; None if that is more than its code."""
    if spec.reprocess_spec == "every_job" or spec.s3_out:
        return None
    return code_digest(spec)

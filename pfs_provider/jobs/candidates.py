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
from pfs_provider.jobs.inputs import Pins, expand_inputs, input_side, load_spec, pinned_inputs
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
    """

    datums: Iterator[Datum]
    manifest: TreeRef = EMPTY_TREE
    gone: Iterator[bytes] = field(default_factory=lambda: iter(()))


def find_candidates(jobs: Jobs, job: Job, spec: PipelineSpec, pins: Pins) -> Candidates:
    """Return what a job's plan has to look at."""
    earlier = _find_earlier(jobs, job, spec)
    if earlier is None:
        return Candidates(datums=expand_inputs(jobs.storage, spec, pins))
    manifest, old_pins = earlier
    was = input_side(jobs.storage, old_pins, pins)
    now = input_side(jobs.storage, pins, old_pins)
    gone = (datum_id(datum) for datum in find_changed(spec.input, was, now))
    return Candidates(datums=find_changed(spec.input, now, was), manifest=manifest, gone=gone)


def _find_earlier(jobs: Jobs, job: Job, spec: PipelineSpec) -> tuple[TreeRef, Pins] | None:
    """Return manifest and inputs of the job that this one goes on from, None if it cannot."""
    with jobs.versions.catalog.read() as tx:
        earlier = job_rows.previous_job(tx, job.pipeline, job.id)
    if earlier is None or earlier.manifest is None or not can_find_changed(spec.input):
        return None
    manifest = parse_tree_ref(earlier.manifest)
    if manifest.n_files != earlier.counts.total:
        return None  # a recovered datum is in no manifest, and has to be worked again
    try:
        if earlier.version != job.version:
            old, _ = load_spec(jobs, earlier)
            if old.input != spec.input or _results_of(old) != _results_of(spec):
                return None
        if _results_of(spec) is None:
            return None
        return manifest, pinned_inputs(jobs, earlier.pins)
    except NotFoundError:
        return None  # deleted meanwhile: look at all


def _results_of(spec: PipelineSpec) -> bytes | None:
    """Return what decides a datum's result beside its files; None if that is more than its code."""
    if spec.reprocess_spec == "every_job" or spec.s3_out:
        return None
    return code_digest(spec)

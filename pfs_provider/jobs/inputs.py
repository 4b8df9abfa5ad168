"""What a job reads: its spec, the trees of its pinned inputs, and the datums in them.

Must not know: memos, plans, results.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from pfs_provider.catalog import commits, pipelines
from pfs_provider.catalog.values import CommitPin, Job
from pfs_provider.datums.changes import Side
from pfs_provider.datums.datum import Datum
from pfs_provider.datums.expand import Attribute, expand
from pfs_provider.datums.keyed import Files
from pfs_provider.jobs.handle import Jobs
from pfs_provider.jobs.key_index import Keyed, find_indexed
from pfs_provider.jobs.records import InputPin
from pfs_provider.refs.globs import compile_glob
from pfs_provider.refs.stems import find_stems
from pfs_provider.spec.load import load_specs
from pfs_provider.spec.model import PfsInput, PipelineSpec
from pfs_provider.storage.globbing import glob_changed, glob_items, glob_under
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.values import EMPTY_TREE, TreeItem, TreeRef, parse_tree_ref
from pfs_provider.versioning.trees import commit_tree

__all__ = [
    "Indexes",
    "Pins",
    "expand_inputs",
    "input_side",
    "input_tree",
    "load_spec",
    "pinned_inputs",
]

Pins = dict[str, InputPin]
"""The tree that a job reads of each input branch, by the branch's full name."""

Indexes = dict[str, str]
"""Of trees whose files' keys do not begin their paths: text of the index tree, by index name."""

SEEK_FILES = 64
"""Files of a tree that can be looked at in the time of finding one place in it."""


def load_spec(jobs: Jobs, job: Job) -> tuple[PipelineSpec, str | None]:
    """Return the spec of the version that a job runs, and the pipeline's memo."""
    with jobs.versions.catalog.read() as tx:
        version = pipelines.get_pipeline(tx, job.pipeline, version=job.version)
        memo = pipelines.get_pipeline(tx, job.pipeline).memo
    return load_specs(version.spec)[0].spec, memo


def pinned_inputs(jobs: Jobs, pins: Sequence[CommitPin]) -> Pins:
    """Return for each input branch, by its full name, the tree that the job reads.

    Raises:
        NotFoundError: ``commit-not-found``: it was deleted meanwhile.
    """
    out: Pins = {}
    for pin in pins:
        with jobs.versions.catalog.read() as tx:
            commit = commits.get_commit(tx, pin.branch.repo, pin.id)
        tree = commit_tree(jobs.versions, commit)
        out[pin.branch.full] = InputPin(branch=pin.branch.full, commit=pin.id, tree=tree.text)
    return out


def expand_inputs(storage: Storage, spec: PipelineSpec, pins: Pins) -> Iterator[Datum]:
    """Yield the datums of pinned inputs, in datum order; an input without a pin is empty."""
    return expand(spec.input, _look_up_all(storage, pins))


def input_tree(pins: Pins, part: PfsInput) -> TreeRef:
    """Return the tree that an input reads; an input without a pin is empty."""
    pin = pins.get(part.branch_key.full)
    return EMPTY_TREE if pin is None else parse_tree_ref(pin.tree)


def input_side(storage: Storage, mine: Pins, other: Pins, indexes: Indexes) -> Side:
    """Return one side of what differs between the inputs of two jobs.

    Args:
        storage: Where the trees lie.
        mine: What the one job reads.
        other: What the other one reads.
        indexes: Of the one job; what is missing there is read whole.
    """

    def look_up_changed(part: PfsInput) -> Iterable[TreeItem]:
        trees = input_tree(mine, part), input_tree(other, part)
        return glob_changed(storage, *trees, compile_glob(part.glob))

    def look_up_keyed(
        part: PfsInput, attribute: Attribute, texts: AbstractSet[str]
    ) -> Iterable[TreeItem]:
        return _find_keyed(storage, mine, Keyed(part, attribute), texts, indexes)

    files = Files(every=_look_up_all(storage, mine), keyed=look_up_keyed)
    return Side(files=files, changed=look_up_changed)


def _find_keyed(
    storage: Storage, pins: Pins, keyed: Keyed, texts: AbstractSet[str], indexes: Indexes
) -> Iterable[TreeItem]:
    tree, glob = input_tree(pins, keyed.part), keyed.glob
    if len(texts) * SEEK_FILES < tree.n_files:
        stems = find_stems(glob, keyed.template, texts)
        if stems is not None and len(stems) * SEEK_FILES < tree.n_files:
            return glob_under(storage, tree, glob, stems)
        index = indexes.get(keyed.index_name(tree))
        if stems is None and index is not None:
            most = tree.n_files // max(1, SEEK_FILES)
            found = find_indexed(storage, tree, parse_tree_ref(index), texts, most=most)
            if found is not None:
                return found
    return glob_items(storage, tree, glob)


def _look_up_all(storage: Storage, pins: Pins) -> Callable[[PfsInput], Iterable[TreeItem]]:
    return lambda part: glob_items(storage, input_tree(pins, part), compile_glob(part.glob))

"""Which files of an input give which join or group key, where their paths do not begin with it.

An index is a tree with one empty file for each file or folder that the input selects, named by a
digest of the key and by its path. It belongs to one tree of the input's branch; the next job's is
made of it by what differs. A plan names those of its job (`PlanRecord.key_indexes`).

Invariants: an index is found under a digest of all that decides what is in it, so that one of
another tree, glob, template or format is never taken for it: it is absent, and made anew. It names
paths only; what lies there is read from the input's tree.
Must not know: plans, datums. Source: docs/design/0020-cost-by-the-change.md.
"""

import json
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice

from blake3 import blake3

from pfs_provider.datums.expand import Attribute
from pfs_provider.refs.globs import Glob, compile_glob
from pfs_provider.refs.stems import find_stems
from pfs_provider.refs.templates import Template, parse_template
from pfs_provider.spec.model import GroupInput, Input, JoinInput, PfsInput, iter_parts, pfs_inputs
from pfs_provider.storage.gathering import TreeEdits
from pfs_provider.storage.globbing import glob_changed, glob_items
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.listing import find_item
from pfs_provider.storage.rows import Rows
from pfs_provider.storage.tree import iter_run
from pfs_provider.storage.values import EMPTY_TREE, Empty, Entry, TreeItem, TreeRef

__all__ = ["Keyed", "find_indexed", "indexed_inputs", "make_index"]

_TAG = b"pfs key index 1\0"
_KEY_BYTES = 16
_AT_ONCE = 4096
"""Paths that are put together."""

_EMPTY_FILE = next(
    Rows.from_entries([("/", Entry(digest=bytes(32), size=0, place=Empty()))]).cells()
)


@dataclass(frozen=True, slots=True)
class Keyed:
    """An input as a part of a join, or of a group."""

    part: PfsInput
    attribute: Attribute

    @property
    def glob(self) -> Glob:
        """What the input selects."""
        return compile_glob(self.part.glob)

    @property
    def template(self) -> Template:
        """What gives the key."""
        return parse_template(getattr(self.part, self.attribute), n_groups=self.glob.n_groups)

    def index_name(self, tree: TreeRef) -> str:
        """Return what the index of a tree of the input's branch is found under."""
        words = json.dumps([self.part.branch_key.full, self.glob.text, self.template.text])
        return blake3(_TAG + tree.logical + words.encode()).hexdigest(_KEY_BYTES)


def indexed_inputs(node: Input) -> Iterator[Keyed]:
    """Yield what needs an index, of all joins and groups of an input."""
    for part in iter_parts(node):
        yield from indexed_inputs(part)
    attribute: Attribute
    if isinstance(node, JoinInput):
        attribute = "join_on"
    elif isinstance(node, GroupInput):
        attribute = "group_by"
    else:
        return
    leaves = (Keyed(leaf, attribute) for leaf in pfs_inputs(node) if getattr(leaf, attribute))
    yield from filter(_needs_index, leaves)


def _needs_index(keyed: Keyed) -> bool:
    """Return whether paths do not begin by their key; a key that no file has serves to tell."""
    glob, template = keyed.glob, keyed.template
    some = template.expand("/x", ("x",) * glob.n_groups)
    return find_stems(glob, template, [some]) is None


def make_index(
    storage: Storage, keyed: Keyed, tree: TreeRef, base: tuple[TreeRef, TreeRef] | None
) -> TreeRef:
    """Return the index of a tree.

    Args:
        storage: Where the trees lie.
        keyed: What is indexed.
        tree: A tree of its branch.
        base: Another tree of the branch and its index; the cost is by what differs. Without one all
            that the input selects is read.
    """
    other, index = (EMPTY_TREE, EMPTY_TREE) if base is None else base
    if other.logical == tree.logical:
        return index
    with TreeEdits() as edits:
        if base is not None:
            for path in _rows(keyed, glob_changed(storage, other, tree, keyed.glob)):
                edits.delete(path)
            come = glob_changed(storage, tree, other, keyed.glob)
        else:
            come = glob_items(storage, tree, keyed.glob)
        paths = _rows(keyed, come)
        while batch := sorted(islice(paths, _AT_ONCE)):
            edits.put(Rows.from_cells(batch, [_EMPTY_FILE] * len(batch)))
        return edits.apply(storage, index)


def _rows(keyed: Keyed, items: Iterable[TreeItem]) -> Iterator[bytes]:
    """Yield the paths in the index of what an input selects."""
    glob, template = keyed.glob, keyed.template
    for item in items:
        captures = glob.match(item.path)
        if captures is not None:
            # Flat, for an index holds a folder beside the files that are in it.
            flat = item.path.replace("%", "%0").replace("/", "%1")
            yield _stem(template.expand(item.path, captures)) + flat.encode()


def _stem(text: str) -> bytes:
    return b"/" + blake3(text.encode()).hexdigest(_KEY_BYTES).encode()


def find_indexed(
    storage: Storage, tree: TreeRef, index: TreeRef, texts: AbstractSet[str], *, most: int
) -> list[TreeItem] | None:
    """Return the files and folders that give one of the texts, in the order of `glob_items`.

    Args:
        storage: Where the trees lie.
        tree: What the index is of.
        index: The index.
        texts: Keys.
        most: How many there may be.

    Returns:
        None if there are more.
    """
    paths: list[str] = []
    for stem in sorted(map(_stem, texts)):
        for rows in iter_run(storage, index, stem, stem + b"\xff"):
            if len(paths) + len(rows) > most:
                return None
            flat = (path[len(stem) :].decode() for path in rows.paths)
            paths += (path.replace("%1", "/").replace("%0", "%") for path in flat)
    # In nearly the order of the tree, so that neighbours are read together.
    found = (find_item(storage, tree, path) for path in sorted(paths, key=str.encode))
    return sorted((item for item in found if item is not None), key=_place)


def _place(item: TreeItem) -> bytes:
    """Return what the order of a tree's files and folders is by."""
    return item.path.encode() + b"/" * item.is_dir

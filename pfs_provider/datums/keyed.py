"""The rows of an input that have certain join or group keys, found without looking at the others.

A row's key is made of the texts that its pieces give, so that of each pfs input only the files are
wanted that give one of those. What is inside a join or a group is found in two steps, as a part of
it would be another one: first which of *its* keys such files have, then all rows of those keys.

Invariants: pure; the rows are those of `expand_pieces` that have one of the keys, in its order.
Must not know: where files come from. Source: docs/design/0020-cost-by-the-change.md.
"""

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import chain
from typing import assert_never

from pfs_provider.datums.datum import Item
from pfs_provider.datums.expand import (
    Attribute,
    Key,
    Lookup,
    Pieces,
    combine,
    expand_pfs,
    expand_pieces,
    key_of,
    may_repeat,
    merge_groups,
    merge_joined,
)
from pfs_provider.spec.model import (
    CronInput,
    CrossInput,
    GroupInput,
    Input,
    JoinInput,
    PfsInput,
    UnionInput,
    pfs_inputs,
)

__all__ = ["Files", "KeyedLookup", "group_of_keys", "join_of_keys"]

KeyedLookup = Callable[[PfsInput, Attribute, AbstractSet[str]], Iterable[Item]]
"""Gives at least those files and folders of an input whose template gives one of some texts."""


@dataclass(frozen=True, slots=True)
class Files:
    """What inputs select.

    Args:
        every: All of it.
        keyed: What has certain keys, in the order of ``every``.
    """

    every: Lookup
    keyed: KeyedLookup


@dataclass(frozen=True, slots=True)
class _Want:
    """Rows whose pieces give no other texts than these; with ``bare`` also such as give none."""

    attribute: Attribute
    texts: frozenset[str]
    bare: bool

    def takes(self, row: Pieces) -> bool:
        """Return whether a row is wanted."""
        texts = key_of(row, self.attribute)
        return self.texts.issuperset(texts) if texts else self.bare


def join_of_keys(
    parts: tuple[Input, ...], files: Files, keys: AbstractSet[Key]
) -> Iterator[Pieces]:
    """Yield the rows of a join that have one of the keys, key by key."""
    rows = (_rows_of_keys(part, files, "join_on", keys) for part in parts)
    return merge_joined(parts, rows)


def group_of_keys(
    parts: tuple[Input, ...], files: Files, keys: AbstractSet[Key]
) -> Iterator[Pieces]:
    """Yield the rows of a group that have one of the keys, key by key."""
    rows = (_rows_of_keys(part, files, "group_by", keys) for part in parts)
    return merge_groups(chain.from_iterable(rows))


def _rows_of_keys(
    node: Input, files: Files, attribute: Attribute, keys: AbstractSet[Key]
) -> Iterator[Pieces]:
    if not keys:
        return iter(())
    want = _Want(attribute, frozenset(chain.from_iterable(keys)), bare=() in keys)
    return (row for row in _select(node, files, want) if key_of(row, attribute) in keys)


def _select(node: Input, files: Files, want: _Want) -> Iterator[Pieces]:
    """Yield those rows of an input that are wanted, in its order."""
    match node:
        case PfsInput():
            return _select_pfs(node, files, want)
        case CronInput():
            return _select_pfs(node.files, files, want)
        case CrossInput(parts):
            loose = replace(want, bare=True)  # the other parts may give the text
            if not want.bare and not _may_give(node, want.attribute):
                return iter(())
            rows = combine(parts, lambda part: _select(part, files, loose))
        case UnionInput(parts):
            if not may_repeat(parts):
                return chain.from_iterable(_select(part, files, want) for part in parts)
            # Which of two equal rows comes first is seen among all rows only.
            rows = expand_pieces(node, files.every)
        case JoinInput(parts) | GroupInput(parts):
            rows = _select_merged(node, parts, files, want)
        case _:
            assert_never(node)
    return filter(want.takes, rows)


def _select_pfs(node: PfsInput, files: Files, want: _Want) -> Iterator[Pieces]:
    if not getattr(node, want.attribute):
        return expand_pfs(node, files.every) if want.bare else iter(())
    rows = expand_pfs(node, lambda leaf: files.keyed(leaf, want.attribute, want.texts))
    return filter(want.takes, rows)


def _select_merged(
    node: JoinInput | GroupInput, parts: tuple[Input, ...], files: Files, want: _Want
) -> Iterator[Pieces]:
    """Yield all rows of the keys that the wanted rows have, and so at least those."""
    if want.bare and _may_be_bare(node, want.attribute):
        return expand_pieces(node, files.every)
    strict = replace(want, bare=False)  # each wanted row has a part that gives a text
    found = chain.from_iterable(_select(part, files, strict) for part in parts)
    if isinstance(node, JoinInput):
        return join_of_keys(parts, files, {key_of(row, "join_on") for row in found})
    return group_of_keys(parts, files, {key_of(row, "group_by") for row in found})


def _may_give(node: Input, attribute: Attribute) -> bool:
    """Return whether rows of an input may give a text at all."""
    return any(getattr(leaf, attribute) for leaf in pfs_inputs(node))


def _may_be_bare(node: Input, attribute: Attribute) -> bool:
    """Return whether rows of an input may give no text."""
    match node:
        case PfsInput() | CronInput():
            return not _may_give(node, attribute)
        case CrossInput(parts):
            return all(_may_be_bare(part, attribute) for part in parts)
        case UnionInput(parts) | GroupInput(parts):
            return any(_may_be_bare(part, attribute) for part in parts)
        case JoinInput(parts):
            outer = any(leaf.outer_join for leaf in pfs_inputs(node))
            bare = (_may_be_bare(part, attribute) for part in parts)
            return any(bare) if outer else all(bare)
        case _:
            assert_never(node)

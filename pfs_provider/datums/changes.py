"""The datums that a change of the inputs touches, found without looking at the others.

An input is looked at from two sides, what it is and what it was. ``find_changed`` gives, for one of
them, rows of pieces such that all rows that it leaves out are on both sides, with equal content.

- pfs, cron: the files and folders that differ.
- union: those of each part.
- cross: a changed row of one part with all rows of the others.
- join, group: all rows of the keys that a changed row has, or had.

Invariants: pure; rows come in datum order. Must not know: where files come from, memos.
Source: docs/design/0020-cost-by-the-change.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import assert_never

from pfs_provider.datums.datum import Datum, make_datum
from pfs_provider.datums.expand import (
    Attribute,
    Key,
    Lookup,
    Pieces,
    drop_repeated,
    expand_pfs,
    expand_pieces,
    key_of,
    may_repeat,
)
from pfs_provider.datums.keyed import Files, group_of_keys, join_of_keys
from pfs_provider.spec.model import (
    CronInput,
    CrossInput,
    GroupInput,
    Input,
    JoinInput,
    PfsInput,
    UnionInput,
    iter_parts,
)

__all__ = ["Side", "can_find_changed", "find_changed"]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a change.

    Args:
        files: All that inputs select on this side.
        changed: Those of them that are not on the other side, or have other content there.
    """

    files: Files
    changed: Lookup


def can_find_changed(node: Input) -> bool:
    """Return whether there is a rule for an input.

    There is none for a union whose parts may give one datum twice, unless they are plain files:
    whether a group that goes from one part stays in another cannot be told from what changed.
    """
    parts = iter_parts(node)
    if isinstance(node, UnionInput) and may_repeat(parts):
        return all(isinstance(part, PfsInput | CronInput) for part in parts)
    return all(can_find_changed(part) for part in parts)


def find_changed(node: Input, mine: Side, other: Side) -> Iterator[Datum]:
    """Yield the datums of one side that the other may not have just so, in datum order.

    Args:
        node: An input for which ``can_find_changed``.
        mine: The side whose datums are wanted.
        other: The other one.
    """
    return (make_datum(pieces) for pieces in _changed(node, mine, other))


def _changed(node: Input, mine: Side, other: Side) -> Iterator[Pieces]:
    match node:
        case PfsInput():
            return expand_pfs(node, mine.changed)
        case CronInput():
            return expand_pfs(node.files, mine.changed)
        case CrossInput(parts):
            return _cross(parts, mine, other)
        case UnionInput(parts):
            rows = chain.from_iterable(_changed(part, mine, other) for part in parts)
            return drop_repeated(rows) if may_repeat(parts) else rows
        case JoinInput(parts):
            return join_of_keys(parts, mine.files, _touched(parts, "join_on", mine, other))
        case GroupInput(parts):
            return group_of_keys(parts, mine.files, _touched(parts, "group_by", mine, other))
        case _:
            assert_never(node)


def _cross(parts: tuple[Input, ...], mine: Side, other: Side) -> Iterator[Pieces]:
    """Yield changed heads with all tails, and where tails changed, all other heads with those."""
    first, others = parts[0], parts[1:]
    if not others:
        yield from _changed(first, mine, other)
        return
    tails = list(_cross(others, mine, other))
    every: list[Pieces] | None = None
    changed = {_name(head): head for head in _changed(first, mine, other)}
    for head in expand_pieces(first, mine.files.every) if tails else iter(changed.values()):
        if _name(head) not in changed:
            yield from (head + tail for tail in tails)
            continue
        if every is None:
            every = list(expand_pieces(CrossInput(others), mine.files.every))
        yield from (head + tail for tail in every)


def _name(pieces: Pieces) -> tuple[tuple[bytes, str], ...]:
    return tuple((piece.source.tag, piece.path) for piece in pieces)


def _touched(parts: tuple[Input, ...], attribute: Attribute, mine: Side, other: Side) -> set[Key]:
    return {
        key_of(pieces, attribute)
        for part in parts
        for one, two in ((mine, other), (other, mine))
        for pieces in _changed(part, one, two)
    }

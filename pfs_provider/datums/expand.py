"""From inputs to datums: pfs, cron, cross, union, join, outer join and group, at any depth.

Order: pfs by path; union part after part; cross as nested loops, the last part varies fastest; join
and group by key. A pfs input and a union of such stream; cross holds all parts but the first; join
and group sort on disk, and hold what has one key.

Invariants: pure; no two datums of one input have the same id; an empty part of a cross gives none.
Must not know: where files come from. ``lookup`` gives, for one input, the files and folders that
its glob selects, in path order; nothing for an empty repo.

Source: docs/reference/pipeline-spec.md, "Inputs"; docs/design/0004-datum-identity.md.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, product
from typing import Literal, assert_never

from pfs_provider.datums.datum import Datum, Item, Piece, PieceSource, make_datum
from pfs_provider.datums.identity import datum_id
from pfs_provider.datums.row_sorter import Key, Pieces, RowSorter
from pfs_provider.refs.globs import Glob, compile_glob
from pfs_provider.refs.templates import Template, parse_template
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

__all__ = [
    "Attribute",
    "Key",
    "Lookup",
    "Pieces",
    "combine",
    "drop_repeated",
    "expand",
    "expand_pfs",
    "expand_pieces",
    "key_of",
    "may_repeat",
    "merge_groups",
    "merge_joined",
]

Lookup = Callable[[PfsInput], Iterable[Item]]
Attribute = Literal["join_on", "group_by"]


def expand(node: Input, lookup: Lookup) -> Iterator[Datum]:
    """Yield the datums of an input, in datum order.

    Args:
        node: A checked input.
        lookup: Called once for each pfs input, when its files are wanted.
    """
    return (make_datum(pieces) for pieces in expand_pieces(node, lookup))


def expand_pieces(node: Input, lookup: Lookup) -> Iterator[Pieces]:
    """Yield what `expand` makes datums of: pieces as they come, not yet in their order."""
    match node:
        case PfsInput():
            return expand_pfs(node, lookup)
        case CronInput():
            return expand_pfs(node.files, lookup)
        case CrossInput(parts):
            return combine(parts, lambda part: expand_pieces(part, lookup))
        case UnionInput(parts):
            return _expand_union(parts, lookup)
        case JoinInput(parts):
            return _expand_join(parts, lookup)
        case GroupInput(parts):
            return _expand_group(parts, lookup)
        case _:
            assert_never(node)


def expand_pfs(node: PfsInput, lookup: Lookup) -> Iterator[Pieces]:
    """Yield a piece for each file and folder that the lookup gives."""
    glob = compile_glob(node.glob)
    source = PieceSource.of(node)
    keyed = bool(node.join_on or node.group_by)
    join_on, group_by = (_template(text, glob) for text in (node.join_on, node.group_by))
    for item in lookup(node):
        if item.is_dir and glob.files_only:
            continue
        if not keyed:
            yield (Piece(source, item.path, item.is_dir, item.digest, item.size),)
        elif (captures := glob.match(item.path)) is not None:
            joined = join_on.expand(item.path, captures) if join_on else None
            grouped = group_by.expand(item.path, captures) if group_by else None
            yield (Piece(source, item.path, item.is_dir, item.digest, item.size, joined, grouped),)


def _template(text: str, glob: Glob) -> Template | None:
    return parse_template(text, n_groups=glob.n_groups) if text else None


def combine(
    parts: tuple[Input, ...], rows_of: Callable[[Input], Iterator[Pieces]]
) -> Iterator[Pieces]:
    """Yield every combination of the rows that the parts of a cross are said to have."""
    first, *others = parts
    held: list[list[Pieces]] = []
    for part in others:
        rows = list(rows_of(part))
        if not rows:
            return
        held.append(rows)
    for head in rows_of(first):
        for tail in product(*held):
            yield head + tuple(chain.from_iterable(tail))


def _expand_union(parts: tuple[Input, ...], lookup: Lookup) -> Iterator[Pieces]:
    rows = (pieces for part in parts for pieces in expand_pieces(part, lookup))
    return drop_repeated(rows) if may_repeat(parts) else rows


def may_repeat(parts: tuple[Input, ...]) -> bool:
    """Return whether two parts read one branch under one name, so that globs may overlap."""
    seen: set[bytes] = set()
    for part in parts:
        tags = {PieceSource.of(leaf).tag for leaf in pfs_inputs(part)}
        if tags & seen:
            return True
        seen |= tags
    return False


def drop_repeated(rows: Iterator[Pieces]) -> Iterator[Pieces]:
    """Yield the first of all that have one id."""
    seen: set[bytes] = set()
    for pieces in rows:
        name = datum_id(make_datum(pieces))
        if name not in seen:
            seen.add(name)
            yield pieces


def _expand_join(parts: tuple[Input, ...], lookup: Lookup) -> Iterator[Pieces]:
    return merge_joined(parts, (expand_pieces(part, lookup) for part in parts))


def merge_joined(
    parts: tuple[Input, ...], rows_of_parts: Iterable[Iterable[Pieces]]
) -> Iterator[Pieces]:
    """Yield, key by key, every combination of the rows that the parts of a join have under it."""
    outer = [any(leaf.outer_join for leaf in pfs_inputs(part)) for part in parts]
    with RowSorter() as sorter:
        for number, rows in enumerate(rows_of_parts):
            for row in rows:
                sorter.add(key_of(row, "join_on"), number, row)
        for numbered in sorter:
            found: list[list[Pieces]] = [[] for _ in parts]
            for number, row in numbered:
                found[number].append(row)
            if not all(found):
                found = [each for each, kept in zip(found, outer, strict=True) if kept and each]
            if found:
                yield from (tuple(chain.from_iterable(row)) for row in product(*found))


def _expand_group(parts: tuple[Input, ...], lookup: Lookup) -> Iterator[Pieces]:
    return merge_groups(chain.from_iterable(expand_pieces(part, lookup) for part in parts))


def merge_groups(rows: Iterable[Pieces]) -> Iterator[Pieces]:
    """Yield all that has one key, key by key."""
    with RowSorter() as sorter:
        for row in rows:
            sorter.add(key_of(row, "group_by"), 0, row)
        for numbered in sorter:
            yield tuple(chain.from_iterable(row for _, row in numbered))


def key_of(pieces: Pieces, attribute: Attribute) -> Key:
    """Return the key of what may be several pieces: their one value, or all in piece order."""
    found = (getattr(piece, attribute) for piece in make_datum(pieces).pieces)
    values = tuple(value for value in found if value is not None)
    return values[:1] if len(set(values)) == 1 else values

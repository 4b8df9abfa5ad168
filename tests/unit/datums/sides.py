"""Two states of some repos, and what the rules for changes say of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from pfs_provider.datums.changes import Side, find_changed
from pfs_provider.datums.datum import Item
from pfs_provider.refs.globs import compile_glob
from pfs_provider.spec.model import PfsInput
from tests.unit.datums.examples import Found, input_of, shown

Repos = Mapping[str, Mapping[str, str]]
"""Content of every file, by repo and path."""


def items(repos: Repos, node: PfsInput) -> list[Item]:
    """What an input selects."""
    match = compile_glob(node.glob).match
    found = sorted(repos.get(node.repo, {}).items())
    return [
        Found(path, is_dir=False, digest=content.encode(), size=len(content))
        for path, content in found
        if match(path) is not None
    ]


def side(mine: Repos, other: Repos) -> Side:
    """One side of a change."""

    def changed(node: PfsInput) -> Iterable[Item]:
        there = {item.path: item.digest for item in items(other, node)}
        return [item for item in items(mine, node) if there.get(item.path) != item.digest]

    return Side(every=lambda node: items(mine, node), changed=changed)


def changed(node: Any, mine: Repos, other: Repos) -> list[str]:
    """The datums of one side that a change touches."""
    return shown(find_changed(input_of(node), side(mine, other), side(other, mine)))

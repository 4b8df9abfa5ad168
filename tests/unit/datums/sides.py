"""Two states of some repos, and what the rules for changes say of them."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from pfs_provider.datums.changes import Side, find_changed
from pfs_provider.datums.datum import Item
from pfs_provider.datums.expand import Attribute
from pfs_provider.datums.keyed import Files
from pfs_provider.refs.globs import compile_glob
from pfs_provider.refs.stems import find_stems
from pfs_provider.refs.templates import parse_template
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


def keyed(
    repos: Repos, node: PfsInput, attribute: Attribute, texts: AbstractSet[str]
) -> list[Item]:
    """What an input selects, less what does not begin as files do that have one of the keys."""
    glob = compile_glob(node.glob)
    template = parse_template(getattr(node, attribute), n_groups=glob.n_groups)
    stems = find_stems(glob, template, texts)
    found = items(repos, node)
    return [item for item in found if stems is None or item.path.startswith(tuple(stems))]


def side(mine: Repos, other: Repos) -> Side:
    """One side of a change."""

    def changed(node: PfsInput) -> Iterable[Item]:
        there = {item.path: item.digest for item in items(other, node)}
        return [item for item in items(mine, node) if there.get(item.path) != item.digest]

    files = Files(
        every=lambda node: items(mine, node),
        keyed=lambda node, attribute, texts: keyed(mine, node, attribute, texts),
    )
    return Side(files=files, changed=changed)


def changed(node: Any, mine: Repos, other: Repos) -> list[str]:
    """The datums of one side that a change touches."""
    return shown(find_changed(input_of(node), side(mine, other), side(other, mine)))

"""What the rules for a change leave out is on both sides, with equal content: for any input."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pfs_provider.datums.changes import can_find_changed, find_changed
from pfs_provider.datums.expand import expand
from pfs_provider.datums.identity import datum_id, datum_key
from pfs_provider.errors import RefusedError
from tests.unit.datums.examples import input_of, pfs
from tests.unit.datums.sides import Repos, side

REPOS = "abcd"
FILES = [f"/{key}-{number}" for key in "xy" for number in range(3)]
CONTENTS = st.sampled_from(["one", "two"])
CHANGES = st.lists(
    st.tuples(st.sampled_from(REPOS), st.sampled_from(FILES), st.none() | CONTENTS), max_size=3
)
WORLDS = st.fixed_dictionaries(
    {name: st.dictionaries(st.sampled_from(FILES), CONTENTS, max_size=4) for name in REPOS}
)
KEYS = [
    ("/(*)-*", ["$1"]),
    ("/(x)-*", ["$1", "same"]),
    ("/(*)-{0,1}", ["$1", "$1$1"]),
    ("/*-(*)", ["$1"]),
    ("/(?)-(*)", ["$1", "$2", "$1$2", "$2$1", "$2-$1", "$0"]),
    ("/((x)-*|?-[01])", ["$1", "$2", "${2}y"]),
    ("/((?)-*)", ["$1", "$2"]),
]
"""Globs with the templates that go with them: keys at either end of a path, and in several ways."""


@st.composite
def _leaves(draw: st.DrawFn, repos: str, needs: str = "") -> dict[str, object]:
    """An input with a key for what it is a part of, and now and then without the other one."""
    glob, templates = draw(st.sampled_from(KEYS))
    keys = {
        word: draw(st.sampled_from(templates))
        for word in ("join_on", "group_by")
        if word == needs or draw(st.integers(0, 3))
    }
    outer = bool("join_on" in keys and draw(st.booleans()))
    return pfs(draw(st.sampled_from(repos)), glob, outer_join=outer, **keys)


@st.composite
def _nodes(draw: st.DrawFn, repos: str = REPOS, needs: str = "") -> dict[str, Any]:
    """Inputs whose parts have names of their own, but for those of a union."""
    if len(repos) == 1 or draw(st.integers(0, 3)) == 0:
        return draw(_leaves(repos, needs))
    word = draw(st.sampled_from(["cross", "union", "join", "join", "group", "group"]))
    needs = {"join": "join_on", "group": "group_by"}.get(word, needs)
    middle = len(repos) // 2
    if word == "union" and draw(st.booleans()):
        return {"union": [draw(_nodes(repos, needs)), draw(_nodes(repos, needs))]}
    return {word: [draw(_nodes(repos[:middle], needs)), draw(_nodes(repos[middle:], needs))]}


def _changed(repos: Repos, changes: list[tuple[str, str, str | None]]) -> Repos:
    new = {name: dict(found) for name, found in repos.items()}
    for name, path, content in changes:
        new[name].pop(path, None)
        if content is not None:
            new[name][path] = content
    return new


@settings(max_examples=10 * settings().max_examples)
@given(_nodes(), WORLDS, CHANGES, st.none() | WORLDS)
def test_old_less_gone_is_new_less_come(
    node: dict[str, Any],
    old: Repos,
    changes: list[tuple[str, str, str | None]],
    other: Repos | None,
) -> None:
    try:
        made = input_of(node)
    except RefusedError:  # a part has datums without the key
        return
    if not can_find_changed(made):
        return
    new = _changed(old, changes) if other is None else other
    was, now = side(old, new), side(new, old)
    before = {datum_id(each): datum_key(each, b"") for each in expand(made, was.files.every)}
    after = [(datum_id(each), datum_key(each, b"")) for each in expand(made, now.files.every)]

    gone = [datum_id(each) for each in find_changed(made, was, now)]
    came = [(datum_id(each), datum_key(each, b"")) for each in find_changed(made, now, was)]

    assert len(set(gone)) == len(gone)
    assert set(gone) <= set(before)
    kept = {name: key for name, key in before.items() if name not in set(gone)}
    assert kept == dict(pair for pair in after if pair not in set(came))
    assert [pair for pair in after if pair in set(came)] == came  # in datum order
    assert len(before) - len(gone) + len(came) == len(after)

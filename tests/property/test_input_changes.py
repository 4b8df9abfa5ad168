"""What the rules for a change leave out is on both sides, with equal content: for any input."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.datums.changes import can_find_changed, find_changed
from pfs_provider.datums.expand import expand
from pfs_provider.datums.identity import datum_id, datum_key
from tests.unit.datums.examples import input_of, pfs
from tests.unit.datums.sides import Repos, side

REPOS = "abcd"
FILES = [f"/{key}-{number}" for key in "xy" for number in range(3)]
CONTENTS = st.sampled_from(["one", "two"])
WORLDS = st.fixed_dictionaries(
    {name: st.dictionaries(st.sampled_from(FILES), CONTENTS, max_size=4) for name in REPOS}
)
GLOBS = st.sampled_from(["/(*)-*", "/(x)-*", "/(*)-{0,1}"])


@st.composite
def _leaves(draw: st.DrawFn, repos: str) -> dict[str, object]:
    return pfs(
        draw(st.sampled_from(repos)),
        draw(GLOBS),
        join_on="$1",
        group_by="$1",
        outer_join=draw(st.booleans()),
    )


@st.composite
def _nodes(draw: st.DrawFn, repos: str = REPOS) -> dict[str, Any]:
    """Inputs whose parts have names of their own, but for those of a union."""
    if len(repos) == 1 or draw(st.integers(0, 3)) == 0:
        return draw(_leaves(repos))
    word = draw(st.sampled_from(["cross", "union", "join", "group"]))
    middle = len(repos) // 2
    if word == "union" and draw(st.booleans()):
        return {"union": [draw(_nodes(repos)), draw(_nodes(repos))]}
    return {word: [draw(_nodes(repos[:middle])), draw(_nodes(repos[middle:]))]}


@given(_nodes(), WORLDS, WORLDS)
def test_old_less_gone_is_new_less_come(node: dict[str, Any], old: Repos, new: Repos) -> None:
    made = input_of(node)
    if not can_find_changed(made):
        return
    was, now = side(old, new), side(new, old)
    before = {datum_id(each): datum_key(each, b"") for each in expand(made, was.every)}
    after = [(datum_id(each), datum_key(each, b"")) for each in expand(made, now.every)]

    gone = [datum_id(each) for each in find_changed(made, was, now)]
    came = [(datum_id(each), datum_key(each, b"")) for each in find_changed(made, now, was)]

    assert len(set(gone)) == len(gone)
    assert set(gone) <= set(before)
    kept = {name: key for name, key in before.items() if name not in set(gone)}
    assert kept == dict(pair for pair in after if pair not in set(came))
    assert [pair for pair in after if pair in set(came)] == came  # in datum order
    assert len(before) - len(gone) + len(came) == len(after)

"""Sizes and sets of nested inputs by the laws of sets, whatever the parts are; then by a table.

Datums are compared by id, so a law says more than that two counts are equal.
"""

from collections import Counter
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.datums.expand import expand
from pfs_provider.datums.identity import datum_id
from tests.unit.datums.examples import files, input_of, pfs

REPOS = "abcde"
FILES = [f"/{key}-{number}" for key in "xyz" for number in range(3)]
WORLDS = st.fixed_dictionaries(
    {name: st.lists(st.sampled_from(FILES), unique=True, max_size=5).map(sorted) for name in REPOS}
)
KEYS = {"glob": "/(*)-*", "join_on": "$1", "group_by": "$1"}
Node = dict[str, object]
World = dict[str, list[str]]


def _leaf(repo: str, **more: object) -> Node:
    return pfs(repo, **{**KEYS, **more})  # type: ignore[arg-type]  # by name


def _tree(repos: str) -> st.SearchStrategy[Node]:
    """Return inputs over some repos, each read once, so that names never meet."""
    if len(repos) == 1:
        return st.just(_leaf(repos))
    middle = len(repos) // 2
    return st.builds(
        lambda word, one, two: {word: [one, two]},
        st.sampled_from(["cross", "union", "join", "group"]),
        _tree(repos[:middle]),
        _tree(repos[middle:]),
    )


AB, CD, E = _tree("ab"), _tree("cd"), _tree("e")


def _ids(node: Node, world: World) -> set[bytes]:
    looked = files(**{name: " ".join(paths) for name, paths in world.items()})
    found = [datum_id(each) for each in expand(input_of(node), looked)]
    assert len(set(found)) == len(found)
    return set(found)


def _n(node: Node, world: World) -> int:
    return len(_ids(node, world))


def _counts(world: World, repo: str) -> Counter[str]:
    return Counter(path[1] for path in world[repo])


@given(AB, CD, E, WORLDS)
def test_sizes_of_cross_and_union_are_product_and_sum(
    one: Node, two: Node, three: Node, world: World
) -> None:
    parts = [one, two, three]
    sizes = [_n(part, world) for part in parts]

    assert _n({"cross": parts}, world) == prod(sizes)
    assert _n({"union": parts}, world) == sum(sizes)


@given(AB, CD, E, WORLDS)
def test_brackets_do_not_matter_in_cross_and_union(
    one: Node, two: Node, three: Node, world: World
) -> None:
    for word in ("cross", "union"):
        flat = _ids({word: [one, two, three]}, world)
        assert _ids({word: [{word: [one, two]}, three]}, world) == flat
        assert _ids({word: [one, {word: [two, three]}]}, world) == flat
        assert _ids({word: [three, two, one]}, world) == flat


@given(AB, CD, E, WORLDS)
def test_a_cross_distributes_over_a_union(one: Node, two: Node, three: Node, world: World) -> None:
    outside: Node = {"cross": [{"union": [one, two]}, three]}
    inside: Node = {"union": [{"cross": [one, three]}, {"cross": [two, three]}]}

    assert _ids(outside, world) == _ids(inside, world)


@given(AB, WORLDS)
def test_a_combination_of_one_is_that_one(one: Node, world: World) -> None:
    assert _ids({"cross": [one]}, world) == _ids({"union": [one]}, world) == _ids(one, world)


@given(AB, WORLDS)
def test_nothing_is_neutral_in_a_union_and_swallows_a_cross(one: Node, world: World) -> None:
    world = {**world, "e": []}

    assert _ids({"union": [one, _leaf("e")]}, world) == _ids(one, world)
    assert _ids({"cross": [one, _leaf("e")]}, world) == set()


@given(AB, WORLDS)
def test_a_union_with_itself_changes_nothing(one: Node, world: World) -> None:
    assert _ids({"union": [one, one]}, world) == _ids(one, world)


@given(WORLDS)
def test_a_join_is_the_part_of_the_cross_where_keys_are_equal(world: World) -> None:
    parts = [_leaf("a"), _leaf("b"), _leaf("c")]
    counts = [_counts(world, name) for name in "abc"]

    joined = _ids({"join": parts}, world)

    assert joined <= _ids({"cross": parts}, world)
    assert len(joined) == sum(prod(count[key] for count in counts) for key in "xyz")
    assert _ids({"join": [{"join": parts[:2]}, parts[2]]}, world) == joined


@given(WORLDS)
def test_a_join_on_one_key_is_a_cross(world: World) -> None:
    same = [_leaf(name, join_on="all") for name in "abc"]

    assert _ids({"join": same}, world) == _ids({"cross": same}, world)


@given(WORLDS, st.sampled_from(["", "a", "b", "ab"]))
def test_an_outer_join_is_the_inner_one_and_what_is_left_over(world: World, outer: str) -> None:
    parts = [_leaf(name, outer_join=name in outer) for name in "ab"]
    a, b = _counts(world, "a"), _counts(world, "b")
    alone = {"a": sum(a[k] for k in "xyz" if not b[k]), "b": sum(b[k] for k in "xyz" if not a[k])}

    made = _ids({"join": parts}, world)

    assert _ids({"join": [_leaf("a"), _leaf("b")]}, world) <= made
    assert len(made) == sum(a[k] * b[k] for k in "xyz") + sum(alone[name] for name in outer)


@given(WORLDS)
def test_a_group_has_a_datum_for_each_key(world: World) -> None:
    keys = {path[1] for name in "abc" for path in world[name]}

    assert _n({"group": [_leaf(name) for name in "abc"]}, world) == len(keys)
    union = {"union": [_leaf(name) for name in "abc"]}
    assert _ids({"group": [union]}, world) == _ids({"group": [_leaf(n) for n in "abc"]}, world)


@given(WORLDS)
def test_grouped_by_nothing_all_is_one_and_by_the_path_each_is_one(world: World) -> None:
    n_files = len(world["a"])

    assert _n({"group": [_leaf("a", group_by="all")]}, world) == min(1, n_files)
    assert _ids({"group": [_leaf("a", group_by="$0")]}, world) == _ids(_leaf("a"), world)


@given(WORLDS)
def test_a_group_around_a_join_has_the_keys_that_both_have(world: World) -> None:
    common = set(_counts(world, "a")) & set(_counts(world, "b"))

    assert _n({"group": [{"join": [_leaf("a"), _leaf("b")]}]}, world) == len(common)


A, B, C, D = (_leaf(name) for name in "abcd")
A_OUTER, B_OUTER = _leaf("a", outer_join=True), _leaf("b", outer_join=True)
AT_HAND = {
    "a": ["/x-0", "/x-1", "/y-0"],
    "b": ["/x-0", "/y-0", "/y-1", "/z-0"],
    "c": [],
    "d": ["/y-0", "/z-0"],
}
SIZES: list[tuple[str, Node, int]] = [
    ("a", A, 3),
    ("nothing", C, 0),
    ("a or b", {"union": [A, B]}, 3 + 4),
    ("a or nothing", {"union": [A, C]}, 3),
    ("a or a", {"union": [A, A]}, 3),
    ("a with b", {"cross": [A, B]}, 3 * 4),
    ("a with b with d", {"cross": [A, B, D]}, 3 * 4 * 2),
    ("a with nothing", {"cross": [A, C]}, 0),
    ("a with b or d", {"cross": [A, {"union": [B, D]}]}, 3 * (4 + 2)),
    ("a with b, or d", {"union": [{"cross": [A, B]}, D]}, 3 * 4 + 2),
    ("x twice and once, y once and twice", {"join": [A, B]}, 2 * 1 + 1 * 2),
    ("only y is in all", {"join": [A, B, D]}, 1 * 2 * 1),
    ("a meets nothing", {"join": [A, C]}, 0),
    ("a stays alone", {"join": [A_OUTER, C]}, 3),
    ("all of a met", {"join": [A_OUTER, B]}, 4),
    ("z met nobody", {"join": [A, B_OUTER]}, 4 + 1),
    ("z met nobody, from both sides", {"join": [A_OUTER, B_OUTER]}, 4 + 1),
    ("x and y", {"group": [A]}, 2),
    ("x, y and z", {"group": [A, B]}, 3),
    ("x and y, nothing beside them", {"group": [A, C]}, 2),
    ("x and y of the pairs", {"group": [{"join": [A, B]}]}, 2),
    ("groups of a with b", {"cross": [{"group": [A]}, B]}, 2 * 4),
    ("pairs with d", {"cross": [{"join": [A, B]}, D]}, 4 * 2),
    ("pairs or groups", {"union": [{"join": [A, B]}, {"group": [D]}]}, 4 + 2),
]


@pytest.mark.parametrize(("node", "size"), [row[1:] for row in SIZES], ids=[r[0] for r in SIZES])
def test_a_table_of_sizes(node: Node, size: int) -> None:
    assert _n(node, AT_HAND) == size

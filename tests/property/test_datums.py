"""Laws of the combinators, and of identity."""

from math import prod

from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.datums.datum import Datum
from pfs_provider.datums.expand import expand
from pfs_provider.datums.identity import datum_id, datum_key
from pfs_provider.datums.sets import cut_sets
from tests.unit.datums.examples import files, input_of, pfs, spec_of

NAMES = "abcd"
PATHS = st.lists(st.sampled_from([f"/{k}-{n}" for k in "xyz" for n in range(3)]), unique=True).map(
    sorted
)
REPOS = st.dictionaries(st.sampled_from(NAMES), PATHS.map(" ".join))
KEYED = {"glob": "/(*)-*", "join_on": "$1", "group_by": "$1"}


def _datums(node: object, repos: dict[str, str]) -> list[Datum]:
    return list(expand(input_of(node), files(**repos)))


def _counts(repos: dict[str, str], names: str) -> list[int]:
    return [len(repos.get(name, "").split()) for name in names]


def _keys(repos: dict[str, str], name: str) -> list[str]:
    return [path[1] for path in repos.get(name, "").split()]


@given(REPOS)
def test_a_cross_has_as_many_datums_as_the_product_of_its_parts(repos: dict[str, str]) -> None:
    made = _datums({"cross": [pfs(name) for name in "abc"]}, repos)

    assert len(made) == prod(_counts(repos, "abc"))


@given(REPOS)
def test_a_union_has_as_many_datums_as_the_sum_of_its_parts(repos: dict[str, str]) -> None:
    made = _datums({"union": [pfs(name) for name in NAMES]}, repos)

    assert len(made) == sum(_counts(repos, NAMES))


@given(REPOS)
def test_a_join_has_for_each_key_the_product_of_its_parts(repos: dict[str, str]) -> None:
    made = _datums({"join": [pfs("a", **KEYED), pfs("b", **KEYED)]}, repos)

    a, b = _keys(repos, "a"), _keys(repos, "b")
    assert len(made) == sum(a.count(key) * b.count(key) for key in "xyz")


@given(REPOS)
def test_an_outer_join_loses_no_file_of_the_outer_part(repos: dict[str, str]) -> None:
    node = {"join": [pfs("a", **KEYED, outer_join=True), pfs("b", **KEYED)]}

    seen = {p.path for each in _datums(node, repos) for p in each.pieces if p.input == "a"}

    assert seen == set(repos.get("a", "").split())


@given(REPOS)
def test_a_group_has_every_file_once(repos: dict[str, str]) -> None:
    made = _datums({"group": [pfs("a", **KEYED), pfs("b", **KEYED)]}, repos)

    seen = [(p.input, p.path) for each in made for p in each.pieces]
    assert sorted(seen) == [(name, path) for name in "ab" for path in repos.get(name, "").split()]
    assert len(made) == len({*_keys(repos, "a"), *_keys(repos, "b")})


NODES = st.recursive(
    st.sampled_from(NAMES).map(lambda name: pfs(name, **KEYED)),
    lambda inner: st.builds(
        lambda word, parts: {word: parts},
        st.sampled_from(["union", "cross", "join", "group"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=4,
)


def _renamed(node: object, used: list[int]) -> object:
    """Return the input with a name of its own for each part."""
    if not isinstance(node, dict):
        return node
    if "pfs" in node:
        used.append(1)
        return {"pfs": {**node["pfs"], "name": f"n{len(used)}"}}
    return {word: [_renamed(part, used) for part in parts] for word, parts in node.items()}


def _reversed(node: object) -> object:
    if not isinstance(node, dict) or "pfs" in node:
        return node
    return {word: [_reversed(part) for part in reversed(parts)] for word, parts in node.items()}


@given(NODES, REPOS)
def test_no_two_datums_have_one_id(node: object, repos: dict[str, str]) -> None:
    ids = [datum_id(each) for each in _datums(_renamed(node, []), repos)]

    assert len(set(ids)) == len(ids)


@given(NODES, REPOS)
def test_identities_do_not_depend_on_the_order_of_inputs(
    node: object, repos: dict[str, str]
) -> None:
    named = _renamed(node, [])

    def identities(each: object) -> set[tuple[bytes, bytes]]:
        return {(datum_id(d), datum_key(d, b"code")) for d in _datums(each, repos)}

    assert identities(_reversed(named)) == identities(named)


@given(
    st.lists(st.integers(min_value=0, max_value=50), max_size=60),
    st.integers(min_value=0, max_value=5),
    st.sampled_from([{}, {"number": 4}, {"size_bytes": 30}, {"per_worker": 3}]),
)
def test_sets_cover_every_datum_once(
    sizes: list[int], n_workers: int, wish: dict[str, int]
) -> None:
    spec = spec_of(pfs("a"), **({"datum_set_spec": wish} if wish else {}))

    sets = cut_sets(sizes, spec, n_workers)

    assert [at for part in sets for at in part] == list(range(len(sizes)))
    assert all(sets)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfs_provider.refs.globs import compile_glob
from pfs_provider.refs.stems import find_stems
from pfs_provider.refs.templates import parse_template


def stems(glob: str, template: str, *texts: str) -> list[str] | None:
    made = compile_glob(glob)
    return find_stems(made, parse_template(template, n_groups=made.n_groups), texts)


@pytest.mark.parametrize(
    ("glob", "template", "text", "expected"),
    [
        ("/(*)-*.csv", "$1", "x", ["/x-"]),
        ("/(*)", "$1", "x", ["/x"]),
        ("/in/(*)/day-*", "$1", "x", ["/in/x/day-"]),
        ("/(*)-(*).csv", "$1", "x", ["/x-"]),
        ("/(*)-(*).csv", "$2 of $1", "b of a", ["/a-b.csv"]),
        ("/(*)-(*).csv", "$1$2", "ab", ["/-ab.csv", "/a-b.csv", "/ab-.csv"]),
        ("/(*)/(*)", "$1-$1", "a-a", ["/a/"]),
        ("/(*)/(*)", "$1-$1", "a-b", []),
        ("/(*)-*", "id $1", "x", []),
        ("/((a)b*)c", "$1", "ab", ["/abc"]),
        ("/((*)b*)c", "$2", "a", ["/ab"]),
        ("/+(a|b)-*", "$1", "ab", ["/ab-"]),
        ("/?(a)b*", "$1", "", ["/b"]),
        ("/**", "$0", "/a/b", ["/a/b"]),
        ("/*-(*)", "$1", "x", None),
        ("/{a,b}-(*)", "$1", "x", None),
        ("/(a(*)|b)-*", "$2", "x", None),
        ("/(*)-*", "all", "all", None),
        ("/", "all", "all", None),
    ],
)
def test_paths_with_a_key_begin(
    glob: str, template: str, text: str, expected: list[str] | None
) -> None:
    assert stems(glob, template, text) == expected


def test_stems_come_in_path_order_and_none_lies_within_another() -> None:
    assert stems("/(*)", "$1", "b", "a", "ab", "é", "\U0001f600", "\uffff") == [
        "/a",
        "/b",
        "/é",
        "/\uffff",
        "/\U0001f600",
    ]


def test_a_text_that_may_be_read_in_too_many_ways_says_nothing() -> None:
    assert stems("/(*)-(*)", "$1$2", "x" * 2000) is None
    assert stems("/(*)-(*)-(*)-(*)", "$1$2$3$4y", "x" * 200) is None


PARTS = st.sampled_from(
    ["a", "b", "-", "*", "?", "(*)", "(a|b)", "((a)*)", "+(a|b)", "?(a)", "{a,(b)}"]
)
GLOBS = st.lists(PARTS, min_size=1, max_size=5).map(lambda parts: "/" + "".join(parts))
PATHS = st.text("ab-", min_size=1, max_size=5).map(lambda name: "/" + name)


@given(
    GLOBS, PATHS, st.lists(st.integers(0, 4), min_size=1, max_size=3), st.sampled_from(["", "a"])
)
def test_no_path_that_gives_the_text_begins_otherwise(
    glob: str, path: str, groups: list[int], between: str
) -> None:
    made = compile_glob(glob)
    captures = made.match(path)
    if captures is None:
        return
    text = between.join(f"${group % (made.n_groups + 1)}" for group in groups)
    template = parse_template(text, n_groups=made.n_groups)

    found = find_stems(made, template, [template.expand(path, captures)])

    assert found is None or any(path.startswith(stem) for stem in found)

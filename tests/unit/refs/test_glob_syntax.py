import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.glob_syntax import (
    AnyChar,
    Choice,
    Class,
    DoubleStar,
    Group,
    Node,
    Star,
    Text,
    parse_glob,
)

A, B, Z = ord("a"), ord("b"), ord("z")


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("/ab", (Text("/ab"),)),
        ("*", (Star(),)),
        ("**", (DoubleStar(),)),
        ("***", (DoubleStar(),)),
        ("?", (AnyChar(),)),
        ("@+!", (Text("@+!"),)),
        ("a|b,c]", (Text("a|b,c]"),)),
        (r"\*\(\\", (Text(r"*(" + "\\"),)),
        ("[ab]", (Class(((A, A), (B, B)), negated=False),)),
        ("[a-z]", (Class(((A, Z),), negated=False),)),
        ("[!a]", (Class(((A, A),), negated=True),)),
        ("[^a]", (Class(((A, A),), negated=True),)),
        ("[]a]", (Class(((93, 93), (A, A)), negated=False),)),
        ("[a-]", (Class(((A, A), (45, 45)), negated=False),)),
        (r"[\]-a]", (Class(((93, A),), negated=False),)),
        ("{a,}", (Choice(((Text("a"),), ())),)),
        ("(a|b)", (Group("@", 1, ((Text("a"),), (Text("b"),))),)),
        ("!(a)", (Group("!", 1, ((Text("a"),),)),)),
        ("*(a)", (Group("*", 1, ((Text("a"),),)),)),
        ("**(a)", (Star(), Group("*", 1, ((Text("a"),),)))),
        ("?@(a)", (AnyChar(), Group("@", 1, ((Text("a"),),)))),
        ("{(a,b),c}", (Choice(((Group("@", 1, ((Text("a,b"),),)),), (Text("c"),))),)),
    ],
)
def test_a_glob_is_read_into_nodes(text: str, nodes: tuple[Node, ...]) -> None:
    assert parse_glob(text)[0] == nodes


def test_groups_are_numbered_by_their_opening_bracket() -> None:
    nodes, n_groups = parse_glob("(a(b))(c)")

    outer, last = nodes
    assert n_groups == 3
    assert isinstance(outer, Group)
    assert isinstance(last, Group)
    assert (outer.number, last.number) == (1, 3)
    assert outer.options == ((Text("a"), Group("@", 2, ((Text("b"),),))),)


@pytest.mark.parametrize(
    ("glob", "position", "way_out"),
    [
        ("a[b", 2, "write \\["),
        ("a[", 2, "write \\["),
        ("a[\\", 2, "write \\["),
        ("a[b-", 2, "write \\["),
        ("a(b", 2, "write \\("),
        ("a+(b", 2, "write \\+"),
        ("b)", 2, "write \\)"),
        ("b}", 2, "write \\}"),
        ("{a", 1, "write \\{"),
        ("a\\", 2, "write \\\\"),
        ("[z-a]", 2, "runs backwards"),
        ("[[:foo:]]", 2, "known are alnum"),
        ("[[:alpha]", 2, "is not closed by ':]'"),
        ("(" * 21 + ")" * 21, 21, "nested deeper than 20"),
    ],
)
def test_a_wrong_glob_is_refused_with_its_position(glob: str, position: int, way_out: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_glob(glob)

    assert caught.value.code == ErrorCode.GLOB_ILLEGAL
    assert caught.value.fields["position"] == position
    assert f"character {position}:" in str(caught.value)
    assert way_out in str(caught.value)


def test_the_position_does_not_count_what_was_added() -> None:
    with pytest.raises(RefusedError, match=r"glob 'b\)' is illegal at character 2"):
        parse_glob("/b)", added=1)


@pytest.mark.parametrize(
    ("text", "matches"), [("[a]", False), ("[!a]", True), ("[+-9]", True), ("[!/]", False)]
)
def test_a_class_knows_whether_it_matches_a_slash(text: str, matches: bool) -> None:
    (node,) = parse_glob(text)[0]

    assert isinstance(node, Class)
    assert node.has_slash is matches

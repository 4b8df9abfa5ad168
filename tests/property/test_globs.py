"""Globs against wcmatch, where both define the same thing, and laws of our own."""

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.globs import Glob, compile_glob

glob = pytest.importorskip("wcmatch.glob", reason="wcmatch is not installed: make setup brings it")

# wcmatch takes (*) literally, has no captures, keeps classes off slashes and reads **/ as "or
# nothing": those are left out. FORCEUNIX and DOTGLOB are what a repo's paths are.
FLAGS = glob.EXTGLOB | glob.BRACE | glob.DOTGLOB | glob.FORCEUNIX | glob.CASE

SAFE = "abc"
ATOMS = st.sampled_from(["a", "b", "c", "*", "?", "[ab]", "[a-b]", "[[:alpha:]]", r"\*", "ab"])
SIMPLE = st.lists(ATOMS, max_size=4).map("".join)
# wcmatch takes *( as a group too, so a star never stands before one here.
EXTENDED = st.builds(
    lambda kind, parts: f"{kind}({'|'.join(parts)})",
    st.sampled_from("@?+"),
    st.lists(st.sampled_from(["a", "b", "ab", "b?", "[ab]c"]), min_size=1, max_size=3),
)
CHOICES = st.lists(st.sampled_from(["a", "b", "ab", "c?"]), min_size=2, max_size=3).map(
    lambda parts: "{" + ",".join(parts) + "}"
)
ELEMENT = st.lists(
    st.one_of(st.sampled_from(["a", "b", "[ab]", r"\*"]), EXTENDED, CHOICES), min_size=1, max_size=3
).map("".join)
GLOBS = st.lists(st.one_of(SIMPLE.filter(bool), ELEMENT), min_size=1, max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)
NAMES = st.text(alphabet=SAFE + ".*", min_size=1, max_size=5).filter(
    lambda name: name not in {".", ".."}
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))


@given(GLOBS, PATHS)
@example("/a*", "/a.b")
@example("/+(a|ab)/*", "/aab/c")
def test_a_glob_matches_what_wcmatch_says(pattern: str, path: str) -> None:
    assume("**" not in pattern)  # wcmatch reads it otherwise
    ours = compile_glob(pattern).match(path) is not None

    assert ours == glob.globmatch(path, pattern, flags=FLAGS)


# The rest of the syntax, with what has to be said otherwise for wcmatch.

STARRED = st.lists(st.sampled_from(["a", "b", "ab", "ba", "c"]), min_size=1, max_size=3)
CAPTURES = st.lists(
    st.one_of(
        st.sampled_from(["a", "b", "[ab]", "."]),
        EXTENDED,
        STARRED.map(lambda parts: f"({'|'.join(parts)})"),
        STARRED.map(lambda parts: f"(({'|'.join(parts)})|c)"),
        STARRED.map(lambda parts: f"*({'|'.join(parts)})"),
    ),
    min_size=1,
    max_size=4,
).map("".join)


def _for_wcmatch(pattern: str) -> str:
    """Return a glob with its bare brackets as groups that match once."""
    return re.sub(r"(?<![@?+*!])\(", "@(", pattern)


@given(CAPTURES, NAMES)
@example("(a|b)*(ab|ba)", "aabba")
@example("((a|b)|c)c", "bc")
@example("*(a)", "")
def test_captures_and_any_number_match_what_wcmatch_says(pattern: str, name: str) -> None:
    pattern, path = f"/{pattern}", f"/{name}" if name else "/"
    assume(path != "/")
    ours = compile_glob(pattern).match(path)

    assert (ours is not None) == glob.globmatch(path, _for_wcmatch(pattern), flags=FLAGS)


# wcmatch looks at the path element when it says what a negation excludes, we at all that follows:
# the same as long as the negation and what follows it are one element.
NEGATIONS = st.builds(
    lambda before, parts, after: f"{before}!({'|'.join(parts)}){after}",
    st.sampled_from(["", "a", "[ab]"]),
    st.lists(st.sampled_from(["a", "b", "ab", "c*", "?"]), min_size=1, max_size=3),
    st.sampled_from(["", ".", "a", "[bc]"]),
)


@given(NEGATIONS, NAMES)
@example("!(a|b)", "ab")
@example("a!(b).", "ab.")
def test_a_negation_matches_what_wcmatch_says(pattern: str, name: str) -> None:
    ours = compile_glob("/" + pattern).match("/" + name) is not None

    assert ours == glob.globmatch("/" + name, "/" + pattern, flags=FLAGS)


POSIX = ["alnum", "alpha", "blank", "digit", "lower", "punct", "space", "upper", "word", "xdigit"]
CLASSES = st.one_of(
    st.sampled_from(["[!a]", "[^ab]", "[a-c]", "[!a-b]", "[]a]", "[!]a]", "[a-]", "[-a]", r"[\]]"]),
    st.sampled_from(POSIX).map(lambda name: f"[[:{name}:]]"),
    st.sampled_from(POSIX).map(lambda name: f"[![:{name}:]]"),
    st.sampled_from(POSIX).map(lambda name: f"[[:{name}:]_-]"),
)
# A class may match a slash here and never there, so there is one element.
CLASSY_NAMES = st.text(alphabet="aBc0_-]. ~", min_size=1, max_size=3).filter(
    lambda name: name not in {".", ".."}
)


@given(st.lists(CLASSES, min_size=1, max_size=3).map("".join), CLASSY_NAMES)
def test_a_class_matches_what_wcmatch_says(pattern: str, name: str) -> None:
    ours = compile_glob("/" + pattern).match("/" + name) is not None

    assert ours == glob.globmatch("/" + name, "/" + pattern, flags=FLAGS)


@given(st.sampled_from(POSIX), CLASSY_NAMES)
def test_a_class_and_its_negation_share_out_all_characters(name: str, text: str) -> None:
    inside, outside = compile_glob(f"/[[:{name}:]]"), compile_glob(f"/[[:^{name}:]]")

    for character in text:
        found = [each.match("/" + character) is not None for each in (inside, outside)]
        assert sorted(found) == [False, True]


PLAIN = st.lists(SIMPLE.filter(lambda text: bool(text) and "**" not in text), max_size=2).map(
    lambda parts: "".join(f"/{part}" for part in parts)
)
DEEP = st.lists(NAMES, min_size=1, max_size=5).map(lambda parts: "/" + "/".join(parts))


@given(PLAIN, DEEP)
@example("", "/a/b")
@example("/a", "/a")
def test_two_stars_at_the_end_match_what_wcmatch_says_below_the_folder(
    folder: str, path: str
) -> None:
    assume(path.count("/") > folder.count("/"))  # there the folder itself matches too
    ours = compile_glob(f"{folder}/**").match(path) is not None

    assert ours == glob.globmatch(path, f"{folder}/**", flags=FLAGS | glob.GLOBSTAR)


@given(PLAIN, PLAIN.filter(bool), DEEP)
def test_two_stars_between_slashes_are_those_of_wcmatch_without_the_empty_case(
    before: str, after: str, path: str
) -> None:
    deep, flat = compile_glob(f"{before}/**{after}"), compile_glob(f"{before}{after}")
    theirs = glob.globmatch(path, f"{before}/**{after}", flags=FLAGS | glob.GLOBSTAR)

    ours = deep.match(path) is not None
    assert (ours or flat.match(path) is not None) == theirs


@given(PATHS)
def test_an_escaped_path_matches_itself_alone(path: str) -> None:
    escaped = re.sub(r"([*?\[\]{}()|!@+^\\,])", r"\\\1", path)

    compiled = compile_glob(escaped)

    assert compiled.literal == path
    assert compiled.match(path) == ()
    assert compiled.match(path + "x") is None


@given(GLOBS, PATHS)
def test_what_matches_begins_with_the_prefix_and_has_the_depth(pattern: str, path: str) -> None:
    compiled = compile_glob(pattern)

    if compiled.match(path) is not None:
        assert path.startswith(compiled.prefix)
        assert compiled.depth in {None, path.count("/")}


@given(GLOBS, PATHS)
def test_a_glob_in_brackets_captures_all_behind_the_slash(pattern: str, path: str) -> None:
    plain, captured = compile_glob(pattern), compile_glob(f"/({pattern[1:]})")

    found = captured.match(path)

    assert (found is None) == (plain.match(path) is None)
    if found is not None:
        assert found[0] == path[1:]


def _compiled_or_refused(text: str) -> Glob | RefusedError:
    try:
        return compile_glob(text)
    except RefusedError as error:
        return error


@given(st.text(alphabet="ab*?[]!^-(){}|,+@\\/:", max_size=12), PATHS)
def test_any_text_is_a_glob_or_is_refused_with_a_position(text: str, path: str) -> None:
    made = _compiled_or_refused(text)

    if isinstance(made, Glob):
        found = made.match(path)
        assert found is None or len(found) == made.n_groups
    else:
        assert made.code == ErrorCode.GLOB_ILLEGAL
        assert 1 <= made.fields["position"] <= len(text)


STARS = st.lists(st.sampled_from(["a", "b", "*", "**", "?", "/"]), min_size=1, max_size=8).map(
    "".join
)


@given(STARS, st.text(alphabet="ab/", min_size=1, max_size=10))
def test_atomic_stars_match_what_plain_ones_do(stars: str, text: str) -> None:
    pattern, path = "/" + stars.strip("/"), "/" + text.strip("/")
    words = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    plain = re.sub(r"\*\*+|\*|\?", lambda found: words[found[0][:2]], pattern)

    wanted = re.fullmatch(plain, path, re.DOTALL) is not None and (path != "/" or pattern == "/")

    assert (compile_glob(pattern).match(path) is not None) == wanted

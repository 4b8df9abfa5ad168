import time

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.refs.globs import compile_glob

MATCHES = [
    # glob, paths that match, paths that do not
    ("/", ["/"], ["/a"]),
    ("", ["/"], ["/a"]),
    ("/*", ["/a", "/.hidden", "/a/", "/ä b"], ["/", "/a/b"]),
    ("*", ["/a"], ["/", "/a/b"]),
    ("/*/*", ["/a/b"], ["/a", "/a/b/c"]),
    ("/**", ["/a", "/a/b/c"], ["/"]),
    ("/dir/*", ["/dir/a"], ["/dir", "/dir/a/b", "/dirx/a"]),
    ("/dir/", ["/dir"], ["/dir/a"]),
    ("/a**", ["/a", "/ab", "/a/b"], ["/b"]),
    ("/**/x", ["/a/x", "/a/b/x"], ["/x"]),
    ("/a?c", ["/abc"], ["/ac", "/a/c"]),
    ("/[ab]", ["/a", "/b"], ["/c"]),
    ("/[!a]", ["/b"], ["/a"]),
    ("/[^a]", ["/b"], ["/a"]),
    ("/a[!x]b", ["/a/b", "/ayb"], ["/axb"]),
    ("/[[:alpha:]]", ["/C"], ["/5"]),
    ("/[[:^alpha:]]", ["/5"], ["/C"]),
    ("/[[:alpha:]_-]", ["/_", "/-", "/x"], ["/5"]),
    ("/{a,b{c,d},}x", ["/ax", "/bcx", "/bdx", "/x"], ["/bx"]),
    ("/{*,**}{a,b}", ["/ab"], ["/ac"]),
    (r"/\*", ["/*"], ["/a"]),
    (r"/a\(1\)", ["/a(1)"], ["/a1"]),
    ("/(a|b)", ["/a", "/b"], ["/c", "/"]),
    ("/+(ab|c)", ["/ab", "/abc", "/cabab"], ["/", "/a"]),
    ("/x*(ab|c)", ["/x", "/xab", "/xabc"], ["/xa"]),
    ("/para?([345]|99)1", ["/para991", "/para1", "/para31"], ["/para381"]),
    ("/*;[1-9]*([0-9])", ["/A;13", "/A;1"], ["/A;", "/A;0"]),
    ("/+(*.csv|*.txt)", ["/a.csv", "/a.csv.txt"], ["/a.png"]),
    ("/x+(|*a)", ["/x", "/xa"], ["/xb"]),
    ("/[[:^ascii:]]", ["/ä"], ["/a"]),
    ("/[[:^cntrl:]]", ["/a"], ["/\n"]),
    ("/*(*(f)*(o))", ["/fffooofoooooffoofffooofff"], ["/fox"]),
    ("/@(foo|f|fo)*(f|of+(o))", ["/foofoofo"], ["/bar"]),
    ("!(**)", [], ["/", "/a", "/a/b"]),
    ("/!(x)", ["/foo", "/xx"], ["/x", "/foo/bar"]),
    ("/!(!(foo))", ["/foo"], ["/bar"]),
    ("/!(*.js|*.json)", ["/a.js.gz", "/a.gz"], ["/a.js", "/a.json"]),
    ("/*.!(js|css)", ["/bar.min.js"], ["/a.js", "/a.css"]),
    ("/a!(x)", ["/a", "/ab"], ["/ax", "/ba"]),
    ("/!(a)/b", ["/c/b"], ["/a/b"]),
    ("/@(!(z*)|*x)", ["/foot", "/foox", "/zoox"], ["/zoot"]),
    ("/*(!(f))", ["/fff", "/ooo"], ["/f"]),
    ("/!(*.!(js))", ["/a", "/a.js"], ["/a.css"]),
    ("/ab***ef", ["/abef", "/abcdef"], ["/ab", "/abcfefg"]),
    ("/?*?", ["/abc", "/ac"], ["/a"]),
    ("/*a*b*", ["/xaxb", "/ab"], ["/ba", "/a/b"]),
    ("/**a*", ["/b/a", "/a", "/x/ay"], ["/a/b"]),
    ("/**a**b", ["/a/b", "/xa/yb"], ["/b/a"]),
    ("/*[!a]*", ["/b", "/x/y"], ["/a"]),
    ("/a\n*", ["/a\nb\n"], ["/a"]),
]


@pytest.mark.parametrize(("glob", "path"), [(g, p) for g, paths, _ in MATCHES for p in paths])
def test_a_glob_matches(glob: str, path: str) -> None:
    assert compile_glob(glob).match(path) is not None


@pytest.mark.parametrize(("glob", "path"), [(g, p) for g, _, paths in MATCHES for p in paths])
def test_a_glob_does_not_match(glob: str, path: str) -> None:
    assert compile_glob(glob).match(path) is None


@pytest.mark.parametrize(
    ("glob", "path", "captures"),
    [
        ("/(*)-*.csv", "/a-b-c.csv", ("a-b",)),
        ("/test/a*(a|b)/x.go", "/test/a/x.go", ("",)),
        ("/test/a*(a|b)/x.go", "/test/aba/x.go", ("ba",)),
        ("/test/+(a|b)/x.go", "/test/aba/x.go", ("aba",)),
        ("/test/a?(a|b)/x.go", "/test/a/x.go", ("",)),
        ("/test/@(a|b)/@(*).go", "/test/a/x.go", ("a", "x")),
        ("/test/+(a|b)/(*).go", "/test/ab/x.go", ("ab", "x")),
        ("/test**(/?(+(a|b)/*.go))", "/test/a/x.go", ("/a/x.go", "a/x.go", "a")),
        ("/{a,(b)}", "/a", ("",)),
        ("/(a)|(b)", "/a|b", ("a", "b")),
        ("/!(x).txt", "/ab.txt", ("ab",)),
        ("/*x*(a)(*)", "/1x2xaa3", ("aa", "3")),
        ("/*a*(*)", "/xaya", ("",)),
        ("/+(*.csv|*.txt)", "/a.csv.txt", ("a.csv.txt",)),
        ("/a", "/a", ()),
    ],
)
def test_groups_capture_the_whole_run_that_they_match(
    glob: str, path: str, captures: tuple[str, ...]
) -> None:
    compiled = compile_glob(glob)

    assert compiled.match(path) == captures
    assert compiled.n_groups == len(captures)


@pytest.mark.parametrize(
    ("glob", "text", "prefix", "files_only", "depth", "literal"),
    [
        ("/", "/", "/", False, 0, "/"),
        ("a/b/", "/a/b", "/a/b", False, 2, "/a/b"),
        ("/a\\*", "/a\\*", "/a*", False, 1, "/a*"),
        ("/*", "/*", "/", False, 1, None),
        ("/img/a*/*", "/img/a*/*", "/img/a", False, 3, None),
        ("/**", "/**", "/", True, None, None),
        ("/a/{b,c/**}", "/a/{b,c/**}", "/a/", True, None, None),
        ("/{a,b}/*", "/{a,b}/*", "/", False, 2, None),
        ("/{a,b/c}", "/{a,b/c}", "/", False, None, None),
        ("/[!a]", "/[!a]", "/", False, None, None),
        ("/(*).csv", "/(*).csv", "/", False, 1, None),
    ],
)
def test_a_glob_tells_how_far_a_search_has_to_look(
    glob: str, text: str, prefix: str, files_only: bool, depth: int | None, literal: str | None
) -> None:
    compiled = compile_glob(glob)

    assert (compiled.text, compiled.prefix) == (text, prefix)
    assert (compiled.files_only, compiled.depth, compiled.literal) == (files_only, depth, literal)
    assert str(compiled) == text


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("/*a*a*a*a*a*a*a*a*a*b", "/" + "a" * 5000),
        ("/**a**a**a**a**a**a**b", "/" + "a/" * 2000),
        ("/+(*.csv|*.txt)x", "/" + ".csv" * 1000),
        ("/*(a*)b", "/" + "a" * 5000),
        ("/(*a*a*a*a*a*a)b", "/" + "a" * 3000),
    ],
)
def test_a_hostile_path_does_not_stall_a_glob(glob: str, path: str) -> None:
    compiled = compile_glob(glob)
    before = time.monotonic()

    assert compiled.match(path) is None
    assert time.monotonic() - before < 5


def test_many_negations_are_refused() -> None:
    with pytest.raises(RefusedError, match="more than 8 negations") as caught:
        compile_glob("/" + "!(a)" * 9)

    assert caught.value.code == ErrorCode.GLOB_ILLEGAL


def test_a_wrong_glob_names_the_position_in_what_was_written() -> None:
    with pytest.raises(RefusedError, match=r"glob 'img/\[a' is illegal at character 5"):
        compile_glob("img/[a")

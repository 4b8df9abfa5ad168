"""The rules of inputs on real repos, by table: what globs and combinators make of the same files.

Source: semantics 3.2, 4.1 and 4.4; docs/reference/pipeline-spec.md and globs.md.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from pfs_provider.pfs import Pfs

FILES = {
    "images": ["/a.png", "/b.png", "/cats/1.png", "/cats/big/2.png", "/notes.txt"],
    "left": ["/x-1", "/x-2", "/y-1"],
    "right": ["/x-9", "/z-9"],
    "empty": [],
    "marks": ["/*", "/a(b)", "/ä ö"],
}


@pytest.fixture(scope="module")
def pfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pfs]:
    with Pfs(home=tmp_path_factory.mktemp("rules")) as made:
        for repo, paths in FILES.items():
            made.create_repo(repo)
            with made.commit(f"{repo}@master") as commit:
                for path in paths:
                    commit.put_file(path, path.encode())
        made.create_repo("bare")
        yield made


def _pfs(repo: str, glob: str, **more: Any) -> dict[str, Any]:
    return {"pfs": {"repo": repo, "glob": glob, **more}}


def _datums(pfs: Pfs, node: dict[str, Any]) -> list[str]:
    spec = {"pipeline": {"name": "p"}, "transform": {"cmd": ["x"]}, "input": node}
    return [
        " ".join(f"{file.partition('@')[0]}:{file.partition(':')[2]}" for file in datum.files)
        for datum in pfs.preview_datums(spec)
    ]


GLOBS = [
    ("/", ["/"]),
    ("", ["/"]),
    ("/*", ["/a.png", "/b.png", "/cats/", "/notes.txt"]),
    ("/*/", ["/a.png", "/b.png", "/cats/", "/notes.txt"]),
    ("*", ["/a.png", "/b.png", "/cats/", "/notes.txt"]),
    ("/*/*", ["/cats/1.png", "/cats/big/"]),
    ("/cats/*", ["/cats/1.png", "/cats/big/"]),
    ("/cats", ["/cats/"]),
    ("/**", ["/a.png", "/b.png", "/cats/1.png", "/cats/big/2.png", "/notes.txt"]),
    ("/**.png", ["/a.png", "/b.png", "/cats/1.png", "/cats/big/2.png"]),
    ("/**/*.png", ["/cats/1.png", "/cats/big/2.png"]),
    ("/cats/**", ["/cats/1.png", "/cats/big/2.png"]),
    ("/?.png", ["/a.png", "/b.png"]),
    ("/[a-b].*", ["/a.png", "/b.png"]),
    ("/[!a].*", ["/b.png"]),
    ("/[[:alpha:]].png", ["/a.png", "/b.png"]),
    ("/{a,notes}.{png,txt}", ["/a.png", "/notes.txt"]),
    ("/(a|b).png", ["/a.png", "/b.png"]),
    ("/@(a|b).png", ["/a.png", "/b.png"]),
    ("/+(a|b|o|t|n|e|s).*", ["/a.png", "/b.png", "/notes.txt"]),
    ("/?(a).png", ["/a.png"]),
    ("/*(a|b).png", ["/a.png", "/b.png"]),
    ("/!(*.png)", ["/cats/", "/notes.txt"]),
    ("/!(**)", []),
    ("/nothing", []),
]


@pytest.mark.parametrize(("glob", "paths"), GLOBS, ids=[row[0] or "nothing" for row in GLOBS])
def test_a_glob_cuts_a_repo(pfs: Pfs, glob: str, paths: list[str]) -> None:
    assert _datums(pfs, _pfs("images", glob)) == [f"images:{path}" for path in paths]


@pytest.mark.parametrize(
    ("glob", "path"),
    [(r"/\*", "/*"), (r"/a\(b\)", "/a(b)"), ("/ä ö", "/ä ö"), ("/ä*", "/ä ö")],
)
def test_what_means_something_in_a_glob_can_be_escaped(pfs: Pfs, glob: str, path: str) -> None:
    assert _datums(pfs, _pfs("marks", glob)) == [f"marks:{path}"]


@pytest.mark.parametrize("repo", ["empty", "bare"])
@pytest.mark.parametrize("glob", ["/", "/*", "/**"])
def test_an_empty_repo_gives_no_datum(pfs: Pfs, repo: str, glob: str) -> None:
    assert _datums(pfs, _pfs(repo, glob)) == []


KEY = {"join_on": "$1", "group_by": "$1"}
LEFT, RIGHT = _pfs("left", "/(*)-*", **KEY), _pfs("right", "/(*)-*", **KEY)
OUTER_LEFT = _pfs("left", "/(*)-*", join_on="$1", outer_join=True)
OUTER_RIGHT = _pfs("right", "/(*)-*", join_on="$1", outer_join=True)
EMPTY = _pfs("empty", "/(*)-*", **KEY)
WHOLE = _pfs("images", "/")
INPUTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "cross": (
        {"cross": [_pfs("right", "/*"), _pfs("left", "/y*")]},
        ["left:/y-1 right:/x-9", "left:/y-1 right:/z-9"],
    ),
    "cross with a whole repo": (
        {"cross": [WHOLE, RIGHT]}, ["images:/ right:/x-9", "images:/ right:/z-9"],
    ),
    "cross with nothing": ({"cross": [LEFT, EMPTY]}, []),
    "cross with nothing inside": ({"cross": [LEFT, {"union": [EMPTY]}]}, []),
    "union": (
        {"union": [RIGHT, LEFT]},
        ["right:/x-9", "right:/z-9", "left:/x-1", "left:/x-2", "left:/y-1"],
    ),
    "union under one name": (
        {"union": [_pfs("left", "/y*", name="in"), _pfs("right", "/z*", name="in")]},
        ["left:/y-1", "right:/z-9"],
    ),
    "union of overlapping globs": (
        {"union": [_pfs("left", "/x*"), _pfs("left", "/*-1")]},
        ["left:/x-1", "left:/x-2", "left:/y-1"],
    ),
    "union with nothing": ({"union": [EMPTY, RIGHT]}, ["right:/x-9", "right:/z-9"]),
    "join": ({"join": [LEFT, RIGHT]}, ["left:/x-1 right:/x-9", "left:/x-2 right:/x-9"]),
    "left outer join": (
        {"join": [OUTER_LEFT, RIGHT]},
        ["left:/x-1 right:/x-9", "left:/x-2 right:/x-9", "left:/y-1"],
    ),
    "right outer join": (
        {"join": [LEFT, OUTER_RIGHT]},
        ["left:/x-1 right:/x-9", "left:/x-2 right:/x-9", "right:/z-9"],
    ),
    "full outer join": (
        {"join": [OUTER_LEFT, OUTER_RIGHT]},
        ["left:/x-1 right:/x-9", "left:/x-2 right:/x-9", "left:/y-1", "right:/z-9"],
    ),
    "join of the same repo": (
        {"join": [LEFT, _pfs("left", "/(*)-2", name="two", join_on="$1")]},
        ["left:/x-1 left:/x-2", "left:/x-2 left:/x-2"],
    ),
    "join on two groups": (
        {
            "join": [
                _pfs("left", "/(*)-(*)", join_on="$2$1"),
                _pfs("right", "/(x)-*", join_on="1${1}"),
            ]
        },
        ["left:/x-1 right:/x-9"],
    ),
    "group": (
        {"group": [LEFT, RIGHT]}, ["left:/x-1 left:/x-2 right:/x-9", "left:/y-1", "right:/z-9"],
    ),
    "group around a join": (
        {"group": [{"join": [LEFT, RIGHT]}]}, ["left:/x-1 left:/x-2 right:/x-9"],
    ),
    "cross of a join and a union": (
        {"cross": [{"join": [LEFT, RIGHT]}, {"union": [WHOLE, EMPTY]}]},
        ["images:/ left:/x-1 right:/x-9", "images:/ left:/x-2 right:/x-9"],
    ),
    "s3 beside files": (
        {"cross": [_pfs("images", "/", s3=True), RIGHT]},
        ["images:/ right:/x-9", "images:/ right:/z-9"],
    ),
    "s3 alone": ({"pfs": {"repo": "images", "s3": True}}, ["images:/"]),
    "empty files are files": (
        _pfs("right", "/*", empty_files=True), ["right:/x-9", "right:/z-9"],
    ),
    "lazy files are files": (_pfs("right", "/*", lazy=True), ["right:/x-9", "right:/z-9"]),
    "a reference is a piece": (
        {"cross": [RIGHT, _pfs("images", "/", reference=True)]},
        ["images:/ right:/x-9", "images:/ right:/z-9"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", INPUTS)
def test_a_combinator_makes_these_datums(pfs: Pfs, name: str) -> None:
    node, datums = INPUTS[name]

    assert _datums(pfs, node) == datums


@pytest.mark.parametrize(
    ("template", "groups"),
    [
        ("$1", 2),
        ("${1}", 2),
        ("$2", 2),
        ("$1$2", 3),
        ("$0", 3),
        ("all", 1),
        ("$$1", 1),
        ("${1}1", 2),
    ],
)
def test_a_template_decides_what_is_one_group(pfs: Pfs, template: str, groups: int) -> None:
    node = {"group": [_pfs("left", "/(*)-(*)", group_by=template)]}

    assert len(_datums(pfs, node)) == groups


def test_what_is_previewed_is_what_a_job_has(pfs: Pfs) -> None:
    node = {"join": [OUTER_LEFT, OUTER_RIGHT]}
    spec = {"pipeline": {"name": "job"}, "transform": {"cmd": ["true"]}, "input": node}
    before = {(datum.id, datum.files) for datum in pfs.preview_datums(spec)}

    pfs.create_pipeline(spec)
    [job] = pfs.list_jobs("job")
    pfs.claim_job("job", owner="test")
    pfs.plan_job(f"job@{job.id}")

    assert {(datum.id, datum.files) for datum in pfs.list_datums(f"job@{job.id}")} == before

"""``pfs.map`` on a real engine: jobs run in worker processes, as users run them."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, RefusedError
from pfs_provider.pfs import Pfs
from pfs_provider.verbs.functions import make_map_spec

TEXT = """\
def loud(images, out, mark="!"):
    for path in images.iterdir():
        (out / path.name).write_text(path.read_text().upper() + mark)
"""


def _write(folder: Path, text: str = TEXT) -> Callable[..., object]:
    """Return the function that a file holds now."""
    path = folder / "code.py"
    path.write_text(text)
    names: dict[str, Any] = {"__name__": "code_of_tests"}
    exec(compile(text, str(path), "exec"), names)  # noqa: S102 - as an import, without its cache
    return names["loud"]  # type: ignore[no-any-return] # what exec made


@pytest.fixture
def pfs(pfs_home: Path) -> Iterator[Pfs]:
    with Pfs(home=pfs_home) as opened:
        opened.create_repo("images")
        with opened.commit("images@master") as commit:
            commit.put_file("/a", b"one")
            commit.put_file("/b", b"two")
        yield opened


def _counts(pfs: Pfs) -> list[tuple[str, int, int]]:
    return [(job.state, job.processed, job.skipped) for job in pfs.run()]


def test_a_function_works_each_datum_and_only_what_changed(pfs: Pfs, tmp_path: Path) -> None:
    made = pfs.map(_write(tmp_path), input="images", output="big")
    assert (made.name, made.version, made.input) == ("big", 1, "images:/*")
    assert _counts(pfs) == [("success", 2, 0)]
    assert pfs.read_file("big@master:/a") == b"ONE!"

    assert pfs.map(_write(tmp_path), input="images", output="big").version == 1
    assert _counts(pfs) == []
    pfs.put_file("images@master:/c", b"three")
    assert _counts(pfs) == [("success", 1, 2)]

    changed = _write(tmp_path, TEXT.replace("upper", "title"))
    assert pfs.map(changed, input="images", output="big").version == 2
    assert _counts(pfs) == [("success", 3, 0)]
    assert pfs.read_file("big@master:/a") == b"One!"

    # What was made by the first body is still known.
    pfs.map(_write(tmp_path), input="images", output="big", arguments={"mark": "!"})
    assert _counts(pfs) == [("success", 3, 0)]
    pfs.map(changed, input="images", output="big")
    [(state, processed, skipped)] = _counts(pfs)
    assert (state, processed + skipped) == ("success", 3)


def loud(images: Path, out: Path) -> None:
    for path in images.iterdir():
        (out / path.name).write_text(path.read_text().upper())


def test_a_decorator_gives_the_same_and_leaves_the_function_as_it_is(pfs: Pfs) -> None:
    decorated = pfs.map(input="images")(loud)

    assert decorated is loud
    info = pfs.map(loud, input="images")
    assert (info.name, info.version) == ("loud", 1)
    assert pfs.pipeline_spec("loud")["description"].startswith("Made by pfs map: ")


def test_unknown_options_of_a_spec_are_merged_and_the_python_is_this_one_or_the_image_s() -> None:
    spec = {"datum_tries": 1, "transform": {"user": "1000"}}

    here = make_map_spec(loud, input="images:/", output="x/y", env={"A": "b"}, spec=spec)
    there = make_map_spec(loud, input="images", image="python:3.12")

    assert here["pipeline"] == {"name": "y", "project": {"name": "x"}}
    assert (here["datum_tries"], here["transform"]["user"]) == (1, "1000")
    assert here["transform"]["env"] == {"A": "b"}
    assert here["transform"]["cmd"] == [sys.executable, "-"]
    assert there["transform"]["cmd"] == ["python3", "-"]
    assert there["transform"]["image"] == "python:3.12"


def test_reprocessing_works_all_again(pfs: Pfs) -> None:
    pfs.map(loud, input="images")
    pfs.run()

    pfs.map(loud, input="images", reprocess=True)

    assert _counts(pfs) == [("success", 2, 0)]


def test_several_maps_are_one_change(pfs: Pfs) -> None:
    with pfs.transaction():
        pfs.map(loud, input="images")
        pfs.map(loud, input="images", output="again")
        pfs.map(loud, input="images", output="again", spec={"datum_tries": 2})

    assert {info.name for info in pfs.list_pipelines()} == {"loud", "again"}
    assert pfs.pipeline_spec("again")["datum_tries"] == 2


def _needs(images: Path, size: int) -> None:
    print(images, size)  # noqa: T201


@pytest.mark.parametrize(
    ("function", "options", "words"),
    [
        (lambda out: out, {"output": "x"}, "is no plain function"),
        (_needs, {"output": "x"}, "_needs takes size"),
        (loud, {"arguments": {"sice": 1}}, "loud has no parameter sice"),
        (loud, {"arguments": {"out": {1}}}, "cannot take the argument out"),
        ("nothing_here:loud", {}, "nothing_here cannot be imported"),
        (loud, {"input": "pictures"}, "loud takes images, which is neither"),
        (loud, {"input": {"pfss": {"repo": "images"}}}, "input.pfss"),
        (loud, {"input": "images:/{a"}, "input.pfs.glob"),
        (loud, {"input": ""}, "input.pfs.repo"),
        (loud, {"spec": {"datum_trys": 1}}, "datum_trys"),
    ],
    ids=[
        "lambda",
        "parameter",
        "argument",
        "not-json",
        "module",
        "input",
        "kind",
        "glob",
        "repo",
        "field",
    ],
)
def test_what_cannot_be_user_code_is_refused_before_anything_is_made(
    pfs: Pfs, function: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(RefusedError, match=words) as caught:
        pfs.map(function, **{"input": "images", **options})

    assert caught.value.code == ErrorCode.SPEC_ILLEGAL
    assert pfs.list_pipelines() == []
    assert [repo.name for repo in pfs.list_repos()] == ["images"]


def test_a_pipeline_or_repo_of_somebody_else_is_left_alone(pfs: Pfs) -> None:
    by_hand = make_map_spec(loud, input="images", output="mine")
    pfs.create_pipeline(by_hand)
    pfs.create_repo("taken")

    with pytest.raises(ConflictError, match="mine is a pipeline with a spec of its own"):
        pfs.map(loud, input="images", output="mine")
    with pytest.raises(ConflictError):
        pfs.map(loud, input="images", output="taken")
    with pytest.raises(NotFoundError):
        pfs.map(loud, input={"pfs": {"repo": "none", "name": "images", "glob": "/"}})

    assert [info.name for info in pfs.list_pipelines()] == ["mine"]


HEAVY = """
from functools import cache


@cache
def model():
    print("loaded")
    return "!"


def big(images, out):
    for path in images.iterdir():
        (out / path.name).write_text(path.read_text().upper() + model())
"""


def test_one_that_stays_up_is_loaded_once_and_works_nothing_again(
    pfs: Pfs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "heavy_pictures.py").write_text(HEAVY)
    monkeypatch.syspath_prepend(tmp_path)
    name = "heavy_pictures:big"
    one = {"parallelism_spec": {"constant": 1}}

    pfs.map(name, input="images", spec=one, stays_up=True)

    assert _counts(pfs) == [("success", 2, 0)]
    assert pfs.read_file("big@master:/b") == b"TWO!"
    assert [line.text for line in pfs.logs("big")] == ["loaded"]
    assert pfs.map(name, input="images", spec=one).version == 2
    assert _counts(pfs) == [("success", 0, 2)]

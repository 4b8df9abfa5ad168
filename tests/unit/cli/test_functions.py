import json
import sys
from pathlib import Path

import pytest

from tests.unit.cli.runner import Cli

TEXT = """\
def loud(images, out, times=1, mark="!"):
    for path in images.rglob("*"):
        if path.is_file():
            (out / path.name).write_text(path.read_text().upper() * times + mark)
"""
NAME = "code_of_cli_tests"


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module in the folder that a person is in."""
    path = tmp_path / "here" / f"{NAME}.py"
    path.parent.mkdir()
    path.write_text(TEXT)
    monkeypatch.chdir(path.parent)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # files change within a second
    return path


def _map(cli: Cli, *args: str) -> dict[str, object]:
    sys.modules.pop(NAME, None)
    [made] = cli.ok("map", f"{NAME}:loud", "--input", "images:/*", *args, "-o", "json").json
    assert isinstance(made, dict)
    return made


def _run(cli: Cli) -> list[tuple[object, object]]:
    return [(job["processed"], job["skipped"]) for job in cli.ok("run", "-o", "json").json]


def test_a_function_by_name_works_again_when_its_body_changed_only(images: Cli, code: Path) -> None:
    assert _map(images, "--output", "big")["version"] == 1
    assert _run(images) == [(2, 0)]
    assert images.ok("get", "file", "big@master:/a").out == "A!"

    assert _map(images, "--output", "big")["version"] == 1
    assert _run(images) == []

    code.write_text(TEXT.replace("upper", "lower"))
    assert _map(images, "--output", "big")["version"] == 2
    assert _run(images) == [(2, 0)]
    assert images.ok("get", "file", "big@master:/a").out == "a!"


def test_a_body_that_changed_since_fails_the_datum_and_says_so(images: Cli, code: Path) -> None:
    _map(images)
    code.write_text(TEXT.replace("upper", "lower"))

    done = images("run", "loud")

    assert done.code == 1
    assert f"{NAME}:loud is another here" in images.ok("logs", "-p", "loud").out
    _map(images)
    assert _run(images) == [(2, 0)]


def test_arguments_variables_and_the_image_are_said(images: Cli, code: Path) -> None:
    assert code.exists()
    said = ("--arg", "times=2", "--arg", "mark=?!", "--env", "A=b=c", "--image", "python:3.12")

    [spec] = images.ok("map", f"{NAME}:loud", "--input", "images", *said, "--dry-run").json

    transform = spec["transform"]
    assert transform["cmd"] == ["python3", "-"]
    assert (transform["image"], transform["env"]) == ("python:3.12", {"A": "b=c"})
    assert "    times=2," in transform["stdin"]
    assert "    mark='?!'," in transform["stdin"]
    assert images.ok("list", "pipeline").out == ""


def test_an_input_may_be_a_spec_s(images: Cli, code: Path) -> None:
    assert code.exists()
    node = {"cross": [{"pfs": {"repo": "images", "glob": "/a"}}]}

    [spec] = images.ok("map", f"{NAME}:loud", "--input", json.dumps(node), "--dry-run").json

    assert spec["input"] == node


@pytest.mark.parametrize(
    ("args", "exit_code", "words"),
    [
        (("loud", "--input", "images"), 5, "write it as MODULE:FUNCTION"),
        (("nothing_here:loud", "--input", "images"), 5, "nothing_here cannot be imported here"),
        ((f"{NAME}:quiet", "--input", "images"), 5, f"the module {NAME} has no quiet"),
        ((f"{NAME}:loud", "--input", "pictures"), 5, "loud takes images, which is neither"),
        ((f"{NAME}:loud", "--input", "images", "--arg", "x=1"), 5, "has no parameter x"),
        ((f"{NAME}:loud", "--input", "images", "--arg", "x"), 2, "write it as NAME=VALUE"),
        ((f"{NAME}:loud", "--input", "{no"), 2, "this is no JSON"),
        ((f"{NAME}:loud", "--input", "images", "--output", "images"), 5, "read itself"),
        ((f"{NAME}:loud", "--input", "images", "--output", "taken"), 4, "taken"),
        ((f"{NAME}:loud",), 2, "--input"),
    ],
    ids=[
        *("name", "module", "function", "input", "argument", "no-value", "json"),
        *("circle", "repo", "missing"),
    ],
)
def test_what_is_wrong_is_one_error_and_nothing_is_made(
    images: Cli, code: Path, args: tuple[str, ...], exit_code: int, words: str
) -> None:
    assert code.exists()
    sys.modules.pop(NAME, None)

    images.ok("create", "repo", "taken")

    done = images("map", *args)

    assert done.code == exit_code
    assert words in done.err
    assert "Traceback" not in done.err
    assert images.ok("list", "pipeline").out == ""


def test_a_named_transaction_takes_no_functions(images: Cli, code: Path) -> None:
    assert code.exists()
    images.ok("start", "transaction")

    done = images("map", f"{NAME}:loud", "--input", "images")

    assert (done.code, "cannot be part of a transaction" in done.err) == (4, True)

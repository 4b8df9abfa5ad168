import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.verbs.programs import MAX_BYTES, make_program

LIMIT = 3


def shout(images: Path, out: Path, times: int = 1, mark: str = "!") -> None:
    # A comment, and a text that looks like one.
    import shutil  # noqa: PLC0415 - as user code has to

    comment = """
# none"""
    for path in images.iterdir():
        (out / path.name).write_text(path.read_text().upper() + mark * times + comment)
    shutil.copy(__import__("os").devnull, out / "empty")


def uses_module(out: Path) -> None:
    (out / "x").write_text(str(LIMIT))


def _run(function: Callable[..., object], folder: Path, **arguments: Any) -> dict[str, str]:
    for name in ("images", "out"):
        (folder / name).mkdir(parents=True)
    (folder / "images" / "a").write_text("hallo")
    program = make_program(function, inputs=("images",), arguments=arguments)
    subprocess.run(
        [sys.executable, "-I", "-"],
        input="\n".join(program) + "\n",
        text=True,
        env={"PFS_ROOT": str(folder)},
        check=True,
    )
    return {path.name: path.read_text() for path in (folder / "out").iterdir()}


def test_a_function_runs_as_a_program_of_its_own(tmp_path: Path) -> None:
    assert _run(shout, tmp_path, times=2) == {"a": "HALLO!!\n# none", "empty": ""}


def test_equal_functions_with_equal_arguments_are_equal_programs() -> None:
    first = make_program(shout, inputs=("images",), arguments={"times": 2, "mark": "?"})

    assert first == make_program(shout, inputs=("images",), arguments={"mark": "?", "times": 2})
    assert first != make_program(shout, inputs=("images",), arguments={"times": 3, "mark": "?"})


def test_what_is_not_shipped_is_refused_by_name() -> None:
    outer = 1

    def closes_over(out: Path) -> None:
        print(outer, out)  # noqa: T201

    for function, words in (
        (uses_module, "uses LIMIT, Path of its module|uses LIMIT of its module"),
        (closes_over, "uses outer of the function around it"),
        (lambda out: out, "no plain function"),
    ):
        with pytest.raises(RefusedError, match=words) as caught:
            make_program(function, inputs=(), arguments={})
        assert caught.value.code == ErrorCode.SPEC_ILLEGAL


def test_arguments_are_what_json_knows_and_not_too_long() -> None:
    with pytest.raises(RefusedError, match="cannot take the argument mark"):
        make_program(shout, inputs=("images",), arguments={"mark": {1, 2}})
    with pytest.raises(RefusedError, match="bytes of source"):
        make_program(shout, inputs=("images",), arguments={"mark": "x" * MAX_BYTES})

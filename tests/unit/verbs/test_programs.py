import functools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.verbs.programs import MAX_BYTES, check_call, make_program

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


def decorated(function: Callable[..., object]) -> Callable[..., object]:
    @functools.wraps(function)
    def wrapper(*args: Any) -> object:
        return function(*args)

    return wrapper


@decorated
def with_decorator(out: Path) -> None:
    (out / "x").touch()


def with_default(out: Path, size: int = LIMIT) -> None:
    (out / "x").write_text(str(size))


async def coroutine(out: Path) -> None:
    (out / "x").touch()


def generator(out: Path) -> Iterator[Path]:
    yield out


class Writer:
    def write(self, out: Path) -> None:
        (out / "x").touch()


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


def test_a_function_may_have_any_name(tmp_path: Path) -> None:
    def root(out: Path) -> None:
        (out / "x").write_text("root")

    assert _run(root, tmp_path) == {"x": "root"}


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


def _evaluated() -> Callable[..., object]:
    names: dict[str, Any] = {}
    exec("def made(out): pass", names)  # noqa: S102 - a function without a file
    return names["made"]  # type: ignore[no-any-return] # what exec made


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda out: out, "<lambda> is no plain function: write it with def"),
        (len, "function len is no plain function"),
        (Writer, "function Writer is no plain function"),
        (functools.partial(shout, times=2), "functools.partial.* is no plain function"),
        (Writer().write, "Writer.write is a method"),
        (coroutine, "coroutine is a coroutine"),
        (generator, "generator is a generator"),
        (with_decorator, "with_decorator is wrapped by another decorator"),
        (with_default, "with_default uses LIMIT of its module"),
        (_evaluated(), "made has no source that could be shipped"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_is_no_plain_function_is_refused_by_name(
    function: Callable[..., object], words: str
) -> None:
    with pytest.raises(RefusedError, match=words) as caught:
        make_program(function, inputs=(), arguments={})

    assert caught.value.code == ErrorCode.SPEC_ILLEGAL


def test_a_text_of_several_lines_in_an_inner_function_is_shipped_as_it_is(tmp_path: Path) -> None:
    def write(out: Path) -> None:
        (out / "poem").write_text("""one
        two
    three""")

    assert _run(write, tmp_path)["poem"] == "one\n        two\n    three"


def test_a_call_that_cannot_be_made_is_refused_with_the_parameter() -> None:
    def positional(images: Path, /, out: Path) -> None: ...

    for function, arguments, words in (
        (shout, {"tims": 2}, "shout has no parameter tims"),
        (Writer.write, {}, "Writer.write takes self, which is neither"),
        (positional, {}, "takes images by its place only"),
    ):
        with pytest.raises(RefusedError, match=words):
            check_call(function, inputs=("images",), arguments=arguments)  # type: ignore[arg-type] # plain functions all
    check_call(shout, inputs=("images",), arguments={"times": 2})  # type: ignore[arg-type] # as above

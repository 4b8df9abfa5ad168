import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.verbs.imports import find_function, make_import_program

MODULE = """
import shutil

MARK = "!"
SIZES = {"a": 1}


def unrelated():
    return 0


def helper(text):
    return text.upper() + MARK


class Writer:
    def write(self, path, text):
        path.write_text(helper(text))


def loud(images, out, times=1):
    for path in images.iterdir():
        Writer().write(out / path.name, path.read_text() * times)


def around():
    inner = 1

    def closing(out):
        print(inner, out)

    return closing


closing = around()
alias = loud
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that people would have in the folder that they are in."""
    path = tmp_path / "lib" / "pictures_of_tests.py"
    path.parent.mkdir()
    path.write_text(MODULE)
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.delitem(sys.modules, path.stem, raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a second in the file's time is too long
    return path


def _find(name: str = "loud") -> FunctionType:
    sys.modules.pop("pictures_of_tests", None)
    return find_function(f"pictures_of_tests:{name}")


def _program(*, here: bool = True) -> list[str]:
    name = "pictures_of_tests:loud"
    return make_import_program(name, _find(), inputs=("images",), arguments={"times": 2}, here=here)


def _run(program: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    for name in ("images", "out"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "images" / "a").write_text("hallo")
    return subprocess.run(
        [sys.executable, "-"], input="\n".join(program) + "\n", text=True, check=False,
        capture_output=True, env={"PFS_ROOT": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def test_the_program_imports_the_function_and_calls_it(module: Path, tmp_path: Path) -> None:
    done = _run(_program(), tmp_path)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "a").read_text() == "HALLOHALLO!"
    assert module.exists()


@pytest.mark.parametrize(
    ("old", "new", "is_other"),
    [
        ("path.read_text() * times", "times * path.read_text()", True),
        ("text.upper()", "text.lower()", True),
        ('"!"', '"?"', True),
        ("import shutil", "import shutil, os", False),
        ('"a": 1', '"a": 2', False),
        ("return 0", "return 1", False),
    ],
    ids=["body", "helper", "constant", "unused-import", "unused-constant", "unrelated"],
)
def test_what_the_function_reaches_makes_the_program(
    module: Path, old: str, new: str, *, is_other: bool
) -> None:
    before = _program()

    module.write_text(MODULE.replace(old, new))

    assert (_program() != before) is is_other


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("* times", "* (times + 1)", "loud"),
        ("upper", "lower", "helper"),
        ("(self, path", "( self, path", "Writer"),
    ],
)
def test_another_source_than_was_looked_at_does_not_run(
    module: Path, tmp_path: Path, old: str, new: str, name: str
) -> None:
    program = _program()
    module.write_text(MODULE.replace(old, new))

    done = _run(program, tmp_path)

    assert done.returncode == 1
    assert f"pictures_of_tests:{name} is another here" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_an_image_has_the_module_where_it_wants(module: Path) -> None:
    assert str(module.parent) in "".join(_program())
    assert str(module.parent) not in "".join(_program(here=False))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("loud", "loud: write it as MODULE:FUNCTION"),
        ("a.py:loud", "cannot be imported here: ModuleNotFoundError: No module named 'a'"),
        ("pic tures:loud", "write it as MODULE:FUNCTION"),
        ("pictures_of_tests:", "write it as MODULE:FUNCTION"),
        ("pictures_of_tests:Writer.write", "write it as MODULE:FUNCTION"),
        ("__main__:loud", "a worker's __main__ is another program"),
        ("pictures_of_tests:nothing", "the module pictures_of_tests has no nothing"),
        ("pictures_of_tests:Writer", "Writer is no plain function"),
        ("pictures_of_tests:closing", "closing uses inner of the function around it"),
    ],
)
def test_a_name_that_leads_to_no_function_is_refused(module: Path, name: str, words: str) -> None:
    assert module.exists()
    sys.modules.pop("pictures_of_tests", None)

    with pytest.raises(RefusedError, match=words) as caught:
        find_function(name)

    assert caught.value.code == ErrorCode.SPEC_ILLEGAL


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def (", "SyntaxError: invalid syntax"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
    ],
)
def test_a_module_that_cannot_be_imported_is_refused_with_its_error(
    module: Path, text: str, words: str
) -> None:
    module.write_text(text)
    sys.modules.pop("pictures_of_tests", None)

    with pytest.raises(RefusedError, match=words):
        find_function("pictures_of_tests:loud")


def test_a_function_under_another_name_is_refused_with_its_own(module: Path) -> None:
    alias = _find("alias")
    assert module.exists()

    assert alias is not None
    program = make_import_program(
        "pictures_of_tests:alias", alias, inputs=("images",), arguments={}, here=True
    )

    assert "_module.loud(" in program

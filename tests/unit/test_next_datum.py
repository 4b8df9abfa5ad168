"""User code's end of the handshake, against the worker's, in two threads."""

import ast
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider import next_datum
from pfs_provider.next_datum import ask_next, each_datum, find_folder, run_for_each
from pfs_provider.worker.executors.asking import Asking


class EndError(BaseException):
    """What ends a loop that a worker would kill."""


@pytest.fixture
def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asking]:
    monkeypatch.setenv("PFS_ROOT", str(tmp_path))
    asking = Asking(tmp_path, sh="/bin/sh")
    yield asking
    asking.close()
    next_datum._set_variables(Path(os.devnull))


def answer(asking: Asking, *datums: dict[str, str]) -> list[str | None]:
    """Be a worker on another thread; return what was said of the datums, as it is said."""
    said: list[str | None] = []

    def work() -> None:
        for variables in datums:
            while (asked := asking.take()) is None:
                pass
            said.append(asked.error)
            asking.answer("id", variables)

    threading.Thread(target=work, daemon=True).start()
    return said


def test_each_datum_has_its_variables_and_none_of_the_one_before(asking: Asking) -> None:
    answer(asking, {"one": "1", "odd-name": "x\ny"}, {"two": "2"}, {})
    seen = []

    @each_datum
    def work() -> None:
        seen.append({name: os.environ.get(name) for name in ("one", "two", "odd-name")})
        if len(seen) == 3:
            raise EndError

    with pytest.raises(EndError):
        work()

    assert seen == [
        {"one": "1", "two": None, "odd-name": "x\ny"},
        {"one": None, "two": "2", "odd-name": None},
        {"one": None, "two": None, "odd-name": None},
    ]


def test_an_exception_fails_its_datum_and_the_loop_goes_on(
    asking: Asking, capfd: pytest.CaptureFixture[str]
) -> None:
    said = answer(asking, {"n": "1"}, {"n": "2"}, {"n": "3"})

    @each_datum
    def work(name: str) -> None:
        if os.environ[name] == "1":
            raise ValueError("of\ntwo lines")
        if os.environ[name] == "3":
            raise EndError

    with pytest.raises(EndError):
        work("n")

    assert said == [None, "ValueError: of two lines", None]
    assert "Traceback" in capfd.readouterr().err


def test_where_nobody_is_asked_the_function_is_called_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PFS_ROOT", str(tmp_path))
    calls = []

    each_datum(lambda: calls.append(1))()

    assert find_folder() is None
    assert calls == [1]
    with pytest.raises(RuntimeError, match="datum_batching"):
        ask_next()


def test_a_copy_of_the_file_needs_nothing_of_ours(tmp_path: Path) -> None:
    (tmp_path / "copied.py").write_text(Path(next_datum.__file__).read_text())
    code = "import sys, copied; print([n for n in sys.modules if n.startswith('pfs_provider')])"

    said = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=tmp_path, check=True, capture_output=True
    )

    assert said.stdout.strip() == b"[]"


PROGRAM = """
import os, sys, json
from pathlib import Path
root = Path(os.environ["PFS_ROOT"])
seen = dict(mine=globals().get("mine"), env=os.environ.get("LEFT"), path="left" in sys.path,
            here=os.getcwd(), main=sys.modules["__main__"].__dict__ is globals(),
            kept=getattr(json, "kept", None), n=os.environ["n"])
with (root / "seen").open("a") as file:
    file.write(repr(seen) + "\\n")
mine, os.environ["LEFT"], json.kept = 1, "1", seen["n"]
sys.path.insert(0, "left")
os.chdir("/")
match seen["n"]:
    case "1": sys.exit(0)
    case "2": sys.exit("not this one")
    case "3": raise ValueError("nor this")
    case "4": raise KeyboardInterrupt
"""


def test_a_program_is_run_for_each_datum_with_nothing_of_the_last_but_its_modules(
    asking: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    said = answer(asking, *({"n": str(n)} for n in range(1, 5)))

    with pytest.raises(KeyboardInterrupt):  # as a worker ends it
        run_for_each(PROGRAM)

    rows = [ast.literal_eval(line) for line in (tmp_path / "seen").read_text().splitlines()]
    first = {"mine": None, "env": None, "path": False, "here": str(tmp_path), "main": True}
    assert [{name: row[name] for name in first} for row in rows] == [first] * 4
    assert [row["n"] for row in rows] == ["1", "2", "3", "4"]
    assert [row["kept"] for row in rows] == [None, "1", "2", "3"]
    assert said == [
        None,
        None,
        "RuntimeError: it exited with not this one",
        "ValueError: nor this",
    ]
    assert "LEFT" not in os.environ
    del json.kept  # type: ignore[attr-defined]  # what the program left

"""The programs around Python functions are part of the code digest of their pipelines.

A change here makes every pipeline of a function process all its datums again.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pfs_provider.verbs.imports import find_function, make_import_program
from pfs_provider.verbs.programs import make_program

MODULE = """\
import json

MARK = "!"


def helper(text):
    return json.dumps(text.upper() + MARK)


def loud(images, out, times=1):
    for path in images.iterdir():
        (out / path.name).write_text(helper(path.read_text() * times))
"""


def count(texts: Path, labels: Path, out: Path, least: int = 1) -> None:
    from collections import Counter  # noqa: PLC0415 - as user code has to

    for path in texts.iterdir():
        (out / path.name).write_text(f"{Counter(path.read_text())} {labels} {least}")


def test_the_program_of_a_source_stays_as_it_is(golden: Callable[[str, bytes], None]) -> None:
    program = make_program(count, inputs=("texts", "labels"), arguments={"least": 2})

    golden("programs/source.py.txt", "\n".join(program).encode())


def test_the_program_of_a_name_stays_as_it_is(
    golden: Callable[[str, bytes], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "golden_pictures.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    name = "golden_pictures:loud"

    program = make_import_program(
        name, find_function(name), inputs=("images",), arguments={"times": 2}, here=False
    )

    golden("programs/import.py.txt", "\n".join(program).encode())

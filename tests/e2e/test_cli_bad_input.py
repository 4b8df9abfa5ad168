"""Bad input to the real program: one clear error, the right exit code, and nothing half-done."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.shell import Shell, here

NO_ID = "1" * 32

BAD = [
    ("inspect repo nope", 3, "repo-not-found", "nope"),
    ("put file nope@master:/a -f there", 3, "repo-not-found", "nope"),
    ("list file images@nope", 3, "branch-not-found", "nope"),
    ("inspect commit images@master^^^^", 3, "commit-not-found", "images"),
    (f"inspect commit images@{NO_ID}", 3, "commit-not-found", NO_ID),
    ("inspect file images@master:/nope", 3, "file-not-found", "/nope"),
    ("put file images@master:/a -f nowhere", 3, "source-not-found", "nowhere"),
    ("create pipeline -f nowhere.json", 3, "source-not-found", "nowhere.json"),
    ("inspect pipeline nope", 3, "pipeline-not-found", "nope"),
    (f"inspect job nope@{NO_ID}", 3, "job-not-found", "nope"),
    ("create repo images", 4, "repo-exists", "images"),
    ("finish commit images@master", 4, "commit-finished", "images"),
    ("create repo foo.bar", 5, "name-illegal", "foo.bar"),
    (f"create branch images@{NO_ID}", 5, "address-illegal", NO_ID),
    ("inspect commit images", 5, "address-illegal", "images"),
    ("put file images@master:/../a -f there", 5, "path-illegal", "/../a"),
    ("put file images@master -f .", 5, "source-illegal", "'.'"),
    ("glob file images@master:/[", 5, "glob-illegal", "/["),
    ("validate pipeline -f wrong-field.json", 5, "spec-illegal", "transform.cmdd"),
    ("validate pipeline -f wrong-type.json", 5, "spec-illegal", "input.pfs.glob"),
    ("validate pipeline -f no-cmd.json", 5, "spec-illegal", "transform.cmd"),
    ("delete commit abc", 5, "id-illegal", "abc"),
]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(folder=tmp_path)


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell = Shell(folder=tmp_path_factory.mktemp("bad"))
    shell.ok("create", "repo", "images")
    shell.write("there", "x")
    shell.ok("put", "file", "images@master:/there", "-f", "there")
    good: dict[str, Any] = {
        "pipeline": {"name": "edges"},
        "transform": {"cmd": ["true"]},
        "input": {"pfs": {"repo": "images", "glob": "/*"}},
    }
    shell.write("wrong-field.json", json.dumps(good | {"transform": {"cmd": ["x"], "cmdd": 1}}))
    shell.write("wrong-type.json", json.dumps(good | {"input": {"pfs": {"repo": "i", "glob": 7}}}))
    shell.write("no-cmd.json", json.dumps(good | {"transform": {"image": "x:1"}}))
    return shell


@pytest.mark.parametrize(("command", "code", "word", "text"), BAD, ids=[row[0] for row in BAD])
@pytest.mark.timeout(300)
def test_bad_input_is_one_line_with_its_code_and_changes_nothing(
    bad: Shell, monkeypatch: pytest.MonkeyPatch, command: str, code: int, word: str, text: str
) -> None:
    done = here(bad, monkeypatch)(*command.split())

    lines = done.err.splitlines()
    assert (done.code, done.out) == (code, ""), lines
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert lines[0].endswith(f" [{word}]")
    assert text in lines[0]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("version", 0),
        ("wait commit images@master --timeout 0", 0),
        ("create", 2),
        ("create repo", 2),
        ("inspect repo nope", 3),
        ("create repo images", 4),
        ("create repo foo.bar", 5),
    ],
)
@pytest.mark.timeout(300)
def test_the_process_ends_with_the_documented_code(bad: Shell, command: str, code: int) -> None:
    assert bad.pfs(*command.split()).returncode == code


@pytest.mark.timeout(300)
def test_after_all_that_nothing_has_changed(bad: Shell) -> None:
    assert len(bad.json("list", "commit")) == 1
    assert [branch["name"] for branch in bad.json("list", "branch", "images")] == ["master"]


@pytest.mark.parametrize(
    ("name", "value", "code", "word"),
    [
        ("PFS_STORE", "gopher://x", 5, "store-url-illegal"),
        ("PFS_CATALOG", "nonsense", 5, "catalog-url-illegal"),
        ("PFS_CATALOG", "postgresql+psycopg://u:secret@127.0.0.1:9/x", 1, "catalog-unavailable"),
        ("PFS_WORKERS", "many", 5, "settings-illegal"),
        ("PFS_CONFIG", "nowhere.toml", 5, "settings-illegal"),
    ],
)
@pytest.mark.timeout(300)
def test_wrong_settings_are_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    code: int,
    word: str,
) -> None:
    done = here(Shell(folder=tmp_path, env={name: value}), monkeypatch)("list", "repo")

    error = done.err
    assert done.code == code, error
    assert error.rstrip().endswith(f"[{word}]")
    assert "Traceback" not in error
    assert "secret" not in error


# Without CAP_DAC_OVERRIDE root heeds the modes of files as anybody does.
AS_ORDINARY = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-m", "pfs_provider.cli", *sys.argv[1:]])
"""


@pytest.mark.timeout(300)
def test_a_store_that_cannot_be_written_says_so(shell: Shell) -> None:
    shell.ok("create", "repo", "images")
    shell.write("there", "x")
    store = shell.folder / "home" / "store"
    for folder in (store, *(path for path in store.rglob("*") if path.is_dir())):
        folder.chmod(0o555)

    done = subprocess.run(
        [sys.executable, "-c", AS_ORDINARY, "put", "file", "images@master:/a", "-f", "there"],
        cwd=shell.folder, env=shell.environment, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    store.chmod(0o755)

    error = done.stderr.decode()
    assert done.returncode == 1, error
    assert error.startswith("error: ")
    assert error.endswith("[store-read-only]\n")
    assert shell.json("list", "commit", "images") == []


@pytest.mark.timeout(300)
def test_a_put_that_is_killed_leaves_nothing_and_can_be_repeated(shell: Shell) -> None:
    shell.ok("create", "repo", "images")
    process = shell.start("put", "file", "images@master:/a", "-f", "-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    for _ in range(12):
        process.stdin.write(os.urandom(1 << 20))
    process.stdin.flush()
    process.send_signal(signal.SIGKILL)
    process.communicate()

    assert shell.json("list", "commit", "images") == []

    shell.ok("put", "file", "images@master:/a", "-f", "-", stdin=b"whole")

    assert shell.ok("get", "file", "images@master:/a") == "whole"

"""`pfs restart datum` against real workers, by the real program."""

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.pfs import Pfs
from tests.e2e.shell import Shell

pytestmark = pytest.mark.timeout(900)

SCRIPT = """
import os, shutil, socket
print("started", flush=True)
told = socket.create_connection(("127.0.0.1", {port}))
told.sendall(os.environ["in"].encode())
told.shutdown(socket.SHUT_WR)
told.recv(1)
shutil.copy(os.environ["in"], os.environ["PFS_ROOT"] + "/out/")
"""


@pytest.fixture
def calls() -> Iterator[socket.socket]:
    """Where user code calls when it has started, to go on when it is answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(120)
        yield server


@pytest.fixture
def shell(tmp_path: Path, calls: socket.socket) -> Shell:
    shell = Shell(folder=tmp_path)
    shell.ok("create", "repo", "in")
    for name in ("a", "b"):
        shell.ok("put", "file", f"in@master:/{name}", "-f", shell.write(name, name))
    spec = {
        "pipeline": {"name": "up"},
        "transform": {"cmd": ["python3"], "stdin": [SCRIPT.format(port=calls.getsockname()[1])]},
        "input": {"pfs": {"repo": "in", "glob": "/*"}},
        "datum_tries": 1,
    }
    shell.ok("create", "pipeline", "-f", shell.write("up.json", json.dumps(spec)))
    return shell


def _create(shell: Shell, lines: list[str], **more: Any) -> str:
    """Make a pipeline whose command is a shell that calls for each datum; return its job."""
    batching = more.pop("datum_batching", False)
    spec = {
        "pipeline": {"name": "many"},
        "transform": {"cmd": ["sh"], "stdin": lines, "datum_batching": batching},
        "input": {"pfs": {"repo": "in", "glob": "/*"}},
        "datum_tries": 1,
        "parallelism_spec": {"constant": 1},
        **more,
    }
    shell.ok("create", "pipeline", "-f", shell.write("many.json", json.dumps(spec)))
    return f"many@{shell.json('list', 'job', '-p', 'many')[0]['id']}"


def _output(shell: Shell) -> dict[str, str]:
    with Pfs(home=shell.folder / "home") as pfs:
        return {
            file.path: pfs.read_file(f"many@master:{file.path}").decode()
            for file in pfs.list_files("many@master:/")
        }


def _answer(calls: socket.socket) -> tuple[str, socket.socket]:
    call, _ = calls.accept()
    return Path(call.recv(1000).decode()).name, call


def test_a_datum_at_work_is_started_again_and_its_try_does_not_count(
    shell: Shell, calls: socket.socket
) -> None:
    job = f"up@{shell.json('list', 'job')[0]['id']}"

    running = shell.start("run")
    first, lost = _answer(calls)
    waiting = shell.pfs("restart", "datum", job, "/b")
    [restarted] = shell.json("restart", "datum", job, "in:/a")
    again, call = _answer(calls)
    call.close()
    other, call = _answer(calls)
    call.close()
    lost.close()
    told, error = running.communicate(timeout=120)

    assert (first, again, other) == ("a", "a", "b")
    assert running.returncode == 0, error
    assert b"2 + 0 / 2" in told
    assert (waiting.returncode, waiting.stderr.count(b"\n")) == (4, 1)
    assert b"[datum-not-running]" in waiting.stderr
    done = {one["id"]: one for one in shell.json("list", "datum", job)}
    assert {one["tries"] for one in done.values()} == {1}
    assert done[restarted["id"]]["files"] == restarted["files"]
    assert shell.ok("logs", "--job", job).split() == ["started"] * 3
    ended = shell.pfs("restart", "datum", job, restarted["id"])
    assert (ended.returncode, ended.stdout) == (4, b"")
    assert b"has ended already: success [job-finished]" in ended.stderr


def test_of_a_set_only_the_datum_at_work_begins_again(shell: Shell, calls: socket.socket) -> None:
    shell.ok("put", "file", "in@master", "-f", shell.write("c", "c"), "-f", shell.write("d", "d"))
    script = shell.write("call.py", SCRIPT.format(port=calls.getsockname()[1]))
    lines = [f"{sys.executable} {shell.folder / script}"]
    job = _create(shell, lines, datum_set_spec={"number": 3})

    running = shell.start("run", "many")
    order: list[str] = []
    for _ in range(2):
        name, call = _answer(calls)
        order.append(name)
        if len(order) == 1:
            call.close()
    [restarted] = shell.json("restart", "datum", job, f"in:/{order[1]}")
    for _ in range(3):
        name, again = _answer(calls)
        order.append(name)
        again.close()
    call.close()
    _, error = running.communicate(timeout=120)

    assert order == ["a", "b", "b", "c", "d"]
    assert running.returncode == 0, error
    done = {one["id"]: one for one in shell.json("list", "datum", job)}
    assert [one["state"] for one in done.values()] == ["success"] * 4
    assert {one["tries"] for one in done.values()} == {1}
    assert done[restarted["id"]]["files"] == restarted["files"]
    assert _output(shell) == {f"/{name}": name for name in "abcd"}


def test_a_program_that_stays_up_begins_again_with_the_datum_it_was_at(
    shell: Shell, calls: socket.socket
) -> None:
    shell.ok("put", "file", "in@master:/c", "-f", shell.write("c", "c"))
    script = shell.write("call.py", SCRIPT.format(port=calls.getsockname()[1]))
    lines = [
        "echo begun",
        "while pfs next datum",
        f"do . /pfs/.env; {sys.executable} {shell.folder / script} || exit 1",
        "done",
    ]
    job = _create(shell, lines, datum_batching=True, datum_set_spec={"number": 2})

    running = shell.start("run", "many")
    order: list[str] = []
    for _ in range(2):
        name, call = _answer(calls)
        order.append(name)
        if len(order) == 1:
            call.close()
    shell.ok("restart", "datum", job, "/b")
    for _ in range(2):
        name, again = _answer(calls)
        order.append(name)
        again.close()
    call.close()
    _, error = running.communicate(timeout=120)

    assert order == ["a", "b", "b", "c"]
    assert running.returncode == 0, error
    done = shell.json("list", "datum", job)
    assert [(one["state"], one["tries"]) for one in done] == [("success", 1)] * 3
    assert shell.ok("logs", "--job", job).split().count("begun") == 2
    assert _output(shell) == {f"/{name}": name for name in "abc"}


def test_what_cannot_be_restarted_is_told_by_what_it_is(shell: Shell) -> None:
    job = f"up@{shell.json('list', 'job')[0]['id']}"

    for words, code, word in [
        ((job, "/a"), 4, b"datum-not-running"),  # the job is not planned
        ((job, "a/b"), 5, b"path-illegal"),
        ((f"nope@{'1' * 32}", "/a"), 3, b"job-not-found"),
        (("up", "/a"), 5, b"address-illegal"),
    ]:
        done = shell.pfs("restart", "datum", *words)
        assert (done.returncode, done.stdout) == (code, b""), done.stderr
        assert b"[" + word + b"]" in done.stderr

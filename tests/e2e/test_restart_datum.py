"""`pfs restart datum` against real workers, by the real program."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.shell import Shell

pytestmark = pytest.mark.timeout(300)

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
    shell = Shell(folder=tmp_path, env={"PFS_LEASE_S": "4"})
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

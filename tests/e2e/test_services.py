"""Services from outside: what a person sees of a pipeline that serves its newest input."""

import json
import os
import signal
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.shell import Shell

if TYPE_CHECKING:
    import subprocess

pytestmark = pytest.mark.timeout(300)

SERVER = """\
import http.server, os, sys
os.chdir("/pfs/pages")
print("serving", os.environ["pages_COMMIT"], flush=True)
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind="127.0.0.1")
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(folder=tmp_path)


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def spec(port: int, *, name: str = "web", code: str = SERVER) -> bytes:
    document = {
        "pipeline": {"name": name},
        "transform": {"cmd": ["python3", "-c", code, str(port)]},
        "service": {"internal_port": port},
        "input": {"pfs": {"repo": "pages", "glob": "/"}},
    }
    return json.dumps(document).encode()


def read(port: int, path: str = "/a") -> str | None:
    """What is served, None where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return None


def wait_until(is_so: Callable[[], bool]) -> float:
    """Wait for it, as long as the whole test may take; return the seconds."""
    start = time.monotonic()
    while not is_so():
        time.sleep(0.05)
    return time.monotonic() - start


def servers(port: int) -> list[int]:
    """The processes of user code that were started to listen on a port."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if words[0] == b"python3" and words[-2] == str(port).encode():
                found.append(int(folder.name))
    return found


@contextmanager
def watching(shell: Shell, *more: str) -> "Iterator[subprocess.Popen[bytes]]":
    """``pfs run --watch`` in the background."""
    runner = shell.start("run", "--watch", *more)
    try:
        yield runner
    finally:
        runner.kill()
        runner.communicate()


def state(shell: Shell, name: str = "web") -> tuple[str, str]:
    [found] = shell.json("inspect", "pipeline", name)
    return found["state"], found["reason"]


def make(shell: Shell, port: int) -> None:
    shell.ok("create", "repo", "pages")
    shell.ok("put", "file", "pages@master:/a", "-f", "-", stdin=b"one")
    shell.ok("create", "pipeline", "-f", "-", stdin=spec(port))


def test_the_newest_input_is_served_and_jobs_tell_which(shell: Shell, port: int) -> None:
    make(shell, port)

    with watching(shell) as runner:
        wait_until(lambda: read(port) == "one")
        wait_until(lambda: state(shell) == ("running", ""))
        [first] = shell.json("list", "job", "-p", "web")
        assert (first["state"], first["total"], first["processed"]) == ("running", 1, 0)

        shell.ok("put", "file", "pages@master:/a", "-f", "-", stdin=b"two")
        wait_until(lambda: read(port) == "two")

        second, first = shell.json("list", "job", "-p", "web")
        assert (second["state"], first["state"], first["processed"]) == ("running", "success", 1)
        assert len(servers(port)) == 1
        wait_until(lambda: f"serving {second['id']}" in shell.ok("logs", "--pipeline", "web"))
        runner.send_signal(signal.SIGTERM)
        runner.wait(60)

    assert servers(port) == []
    assert [job["state"] for job in shell.json("list", "job", "-p", "web")] == [
        "starting",
        "success",
    ]


def test_a_killed_server_is_started_again_and_its_end_is_in_the_log(
    shell: Shell, port: int
) -> None:
    make(shell, port)

    with watching(shell):
        wait_until(lambda: read(port) == "one")
        [old] = servers(port)
        os.kill(old, signal.SIGKILL)
        wait_until(lambda: servers(port) not in ([], [old]) and read(port) == "one")

        said = "[it was killed by signal 9; it is started again in 0.5 s]"
        wait_until(lambda: said in shell.ok("logs", "--pipeline", "web"))
        assert [job["state"] for job in shell.json("list", "job")] == ["running"]


def test_another_scheduler_takes_over_when_one_is_killed(shell: Shell, port: int) -> None:
    make(shell, port)

    with watching(shell) as first:
        wait_until(lambda: read(port) == "one")
        [old] = servers(port)
        with watching(shell):
            time.sleep(3)  # it looks once a second, and there is nothing for it to do
            assert servers(port) == [old]

            first.kill()
            first.wait()
            wait_until(lambda: servers(port) not in ([], [old]) and read(port) == "one")

            assert old not in servers(port)
            assert len(servers(port)) == 1
    wait_until(lambda: servers(port) == [])


def test_an_update_starts_the_new_command_and_stopping_ends_it(shell: Shell, port: int) -> None:
    make(shell, port)

    with watching(shell):
        wait_until(lambda: read(port) == "one")
        changed = SERVER.replace("os.chdir", "open('/pfs/pages/a', 'a').write('!'); os.chdir")
        shell.ok("update", "pipeline", "-f", "-", stdin=spec(port, code=changed))
        wait_until(lambda: read(port) == "one!")
        assert len(servers(port)) == 1

        shell.ok("stop", "pipeline", "web")
        wait_until(lambda: servers(port) == [])
        assert state(shell) == ("paused", "")
        shell.ok("start", "pipeline", "web")
        wait_until(lambda: read(port) == "one!")
        shell.ok("delete", "pipeline", "web")
        wait_until(lambda: servers(port) == [])


def test_a_command_that_keeps_ending_is_crashing_with_its_reason(shell: Shell, port: int) -> None:
    make(shell, port)
    shell.ok("update", "pipeline", "-f", "-", stdin=spec(port, code="import sys; sys.exit(7)"))

    with watching(shell):
        wait_until(lambda: state(shell) == ("crashing", "it exited with code 7"))
        shell.ok("update", "pipeline", "-f", "-", stdin=spec(port))
        wait_until(lambda: read(port) == "one")
        wait_until(lambda: state(shell) == ("running", ""))


def test_a_port_that_another_has_is_named_until_it_is_free(shell: Shell, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)), suppress(KeyboardInterrupt):
        make(shell, port)
        runner = shell.start("run", "--watch")
        reason = f"port {port} of this machine is taken by another program"
        wait_until(lambda: state(shell) == ("crashing", reason))
    try:
        wait_until(lambda: read(port) == "one")
    finally:
        runner.kill()
        runner.communicate()


def test_a_run_that_ends_leaves_services_alone_and_says_so(shell: Shell, port: int) -> None:
    make(shell, port)

    done = shell.pfs("run")

    assert done.returncode == 0
    assert b"web is a service: it is kept up by `pfs run --watch`" in done.stderr
    refused = shell.pfs("run", "web")
    assert refused.returncode == 5
    assert b"web is a service: it is kept up by `pfs run --watch`" in refused.stderr
    with watching(shell):
        wait_until(lambda: read(port) == "one")
        assert shell.pfs("run").returncode == 0, "it does not wait for a job without an end"

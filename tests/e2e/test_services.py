"""Services from outside: what a person sees of a pipeline that serves its newest input."""

import os
import signal
import socket
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.pfs import Pfs
from tests.containers import find_image, find_test_engine, list_containers
from tests.e2e.shell import Shell, watching

pytestmark = pytest.mark.timeout(600)

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


def spec(port: int, *, code: str = SERVER) -> dict[str, Any]:
    return {
        "pipeline": {"name": "web"},
        "transform": {"cmd": ["python3", "-c", code, str(port)]},
        "service": {"internal_port": port},
        "input": {"pfs": {"repo": "pages", "glob": "/"}},
    }


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


def client(shell: Shell) -> Pfs:
    """The same without a process for each act: some machines take seconds to start one."""
    return Pfs(home=shell.folder / "home")


def state(shell: Shell, name: str = "web") -> tuple[str, str]:
    with client(shell) as pfs:
        found = pfs.inspect_pipeline(name)
    return found.state, found.reason


def said(shell: Shell, words: str) -> bool:
    """Whether the service has printed that."""
    with client(shell) as pfs:
        return any(words in line.text for line in pfs.logs("web"))


def update(shell: Shell, document: dict[str, Any]) -> None:
    with client(shell) as pfs:
        pfs.update_pipeline(document)


def make(shell: Shell, port: int) -> None:
    with client(shell) as pfs:
        pfs.create_repo("pages")
        pfs.put_file("pages@master:/a", b"one")
        pfs.create_pipeline(spec(port))


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
        wait_until(lambda: said(shell, f"serving {second['id']}"))
        assert f"serving {second['id']}" in shell.ok("logs", "--pipeline", "web")
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

        wait_until(lambda: said(shell, "[it was killed by signal 9; it is started again in 0.5 s]"))
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
        update(shell, spec(port, code=changed))
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
    update(shell, spec(port, code="import sys; sys.exit(7)"))

    with watching(shell):
        wait_until(lambda: state(shell) == ("crashing", "it exited with code 7"))
        update(shell, spec(port))
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


def test_a_service_in_its_own_image_listens_for_this_machine(tmp_path: Path, port: int) -> None:
    options = f"--network host --label pfs.test={port}"
    shell = Shell(
        folder=tmp_path,
        env={"PFS_CONTAINER_OPTIONS": options, "PFS_CONTAINER_PULL": "never"},
    )
    transform = {
        "image": find_image(),
        "cmd": ["httpd", "-f", "-p", str(port), "-h", "/pfs/pages"],
    }
    with client(shell) as pfs:
        pfs.create_repo("pages")
        pfs.put_file("pages@master:/a", b"one")
        pfs.create_pipeline({**spec(port), "transform": transform})

    with watching(shell, "--executor", "container") as runner:
        wait_until(lambda: read(port) == "one")
        with client(shell) as pfs:
            pfs.put_file("pages@master:/a", b"two")
        wait_until(lambda: read(port) == "two")
        runner.kill()
        runner.wait()
        wait_until(lambda: list_containers(find_test_engine(), f"label=pfs.test={port}") == [])
    assert read(port) is None

"""Secrets of commands that are kept up, from outside: services, and spouts."""

import socket
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.pfs import Pfs
from tests.e2e.shell import Shell, watching

pytestmark = pytest.mark.timeout(300)

VALUE = "zebra-hunter-22"
SECRET = {"kind": "Secret", "metadata": {"name": "db"}, "stringData": {"password": VALUE}}
VARIABLE = {"name": "db", "key": "password", "env_var": "PASSWORD"}
FOLDER = {"name": "db", "mount_path": "/secrets/db"}
SERVER = """\
import http.server, os, pathlib, sys
assert pathlib.Path("/secrets/db/password").read_text() == os.environ["PASSWORD"]
print("serving with", os.environ["PASSWORD"], flush=True)
os.chdir("/pfs/pages")
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind="127.0.0.1")
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(folder=tmp_path)


def _wait_until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        time.sleep(0.1)  # as long as the whole test may take


def _port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/a", timeout=5) as answer:
            return bool(answer.read() == b"one")
    except OSError:
        return False


def _reason(pfs: Pfs, name: str) -> str:
    found = pfs.inspect_pipeline(name)
    return found.reason if found.state == "crashing" else ""


def _spout(name: str, script: str, *secrets: dict[str, Any]) -> dict[str, Any]:
    transform = {"cmd": ["sh"], "stdin": [script], "secrets": list(secrets)}
    return {"pipeline": {"name": name}, "transform": transform, "spout": {}}


def test_a_service_waits_for_its_secret_and_is_served_with_it(shell: Shell) -> None:
    port = _port()
    transform = {"cmd": ["python3", "-c", SERVER, str(port)], "secrets": [VARIABLE, FOLDER]}
    with Pfs(home=shell.folder / "home") as pfs:
        pfs.create_repo("pages")
        pfs.put_file("pages@master:/a", b"one")
        pfs.create_pipeline(
            {
                "pipeline": {"name": "web"},
                "transform": transform,
                "service": {"internal_port": port},
                "input": {"pfs": {"repo": "pages", "glob": "/"}},
            }
        )

        with watching(shell):
            _wait_until(lambda: "the secret 'db' with the key" in _reason(pfs, "web"))
            pfs.create_secret(SECRET)
            _wait_until(lambda: _answers(port))
            _wait_until(lambda: [line.text for line in pfs.logs("web")] != [])

            said = [line.text for line in pfs.logs("web")]

    assert said[0] == "serving with ***"


def test_a_spout_has_its_variables_and_says_that_it_can_have_no_folder(shell: Shell) -> None:
    def is_told(reason: str) -> bool:
        return "nothing can be mounted at" in reason and "env_var" in reason

    with Pfs(home=shell.folder / "home") as pfs:
        pfs.create_secret(SECRET)
        pfs.create_pipeline(_spout("tap", 'echo "with $PASSWORD"; sleep 1000', VARIABLE))
        pfs.create_pipeline(_spout("folder", "sleep 1000", FOLDER))

        with watching(shell):
            _wait_until(lambda: is_told(_reason(pfs, "folder")))  # gone with the next try
            _wait_until(lambda: [line.text for line in pfs.logs("tap")] != [])
            said = [line.text for line in pfs.logs("tap")]

    assert said == ["with ***"]
    assert not Path("/secrets").exists()

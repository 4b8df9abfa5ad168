"""The page docs/how-to/laptop.md, walked with a real engine: what is put is there after `down`.

The images come from registries, Airflow's is built, and the ports are the laptop's own, so it is
done only where it is asked for:

    PFS_TEST_COMPOSE="docker compose"      the program; its engine has the images, or may pull them
"""

import os
import shlex
import subprocess
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.airflow.standalone import wait_for

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(1800)]

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = "PFS_TEST_COMPOSE"
HEALTH = "http://127.0.0.1:8080/api/v2/monitor/health"
N_PARTS = 4
"""Of Airflow: its database, scheduler, triggerer and DAG processor."""


class Laptop:
    """The compose file as a project of its own, so that nobody's volumes are touched."""

    def __init__(self, program: str) -> None:
        file = str(ROOT / "deploy/compose/compose.yaml")
        project = f"pfs-test-{uuid.uuid4().hex[:8]}"
        self.command = [*shlex.split(program), "-p", project, "-f", file]

    def compose(self, *arguments: str, stdin: str = "") -> str:
        done = self._call(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return done.stdout

    def inside(self, *command: str, stdin: str = "") -> str:
        return self.compose("exec", "-T", "airflow", *command, stdin=stdin)

    def up(self, *options: str) -> None:
        self.compose("up", "--detach", *options)
        wait_for(
            "Airflow is well", lambda: _ask_health().count('"healthy"') == N_PARTS, timeout_s=600
        )

    def wait_for_table(self, text: str) -> None:
        """Wait until the second pipeline has counted this text, too."""
        said = ("exec", "-T", "airflow", "pfs", "get", "file", "word_table@master:/table.txt")
        wait_for(f"{text!r} is counted", lambda: text in self._call(*said).stdout, timeout_s=600)

    def _call(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*self.command, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=1200,
        )


@pytest.fixture
def laptop() -> Iterator[Laptop]:
    program = os.environ.get(COMPOSE)
    if program is None:
        pytest.skip(f"{COMPOSE} is not set: {COMPOSE}='docker compose' walks the laptop's page")
    if _ask_health():
        pytest.skip("another Airflow has port 8080, which the compose file wants: stop it")
    made = Laptop(program)
    try:
        yield made
    finally:
        made.compose("down", "--volumes")


def test_what_is_put_makes_a_run_and_is_there_after_down_and_up(laptop: Laptop) -> None:
    laptop.up("--build")
    laptop.inside("airflow", "dags", "unpause", "-y", "pfs_word_count")
    laptop.inside("airflow", "connections", "add", "kept", "--conn-uri", "http://:secret@host")
    laptop.inside("pfs", "create", "repo", "texts")

    _put(laptop, "hamlet.txt", "to be or not to be\n")
    laptop.wait_for_table("hamlet.txt 6")

    provenance = laptop.inside("pfs", "provenance", "word_table@master")
    assert {"words", "texts"} <= set(provenance.split())

    laptop.compose("down")
    laptop.up()

    assert laptop.inside("pfs", "get", "file", "texts@master:/hamlet.txt") == "to be or not to be\n"
    assert "kept" in laptop.inside("airflow", "connections", "get", "kept", "-o", "plain")

    _put(laptop, "rest.txt", "the rest is silence\n")
    laptop.wait_for_table("rest.txt 4")


def _put(laptop: Laptop, name: str, text: str) -> None:
    laptop.inside("pfs", "put", "file", f"texts@master:/{name}", "-f", "-", stdin=text)


def _ask_health() -> str:
    """Return what Airflow says of itself, or nothing."""
    try:
        with urllib.request.urlopen(HEALTH, timeout=10) as answer:
            said: bytes = answer.read()
    except (OSError, urllib.error.URLError):
        return ""
    return said.decode()

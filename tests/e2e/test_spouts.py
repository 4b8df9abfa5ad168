"""Spouts from outside: the page's own command over a real queue, killed again and again."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pfs_provider.infos import CommitInfo
from pfs_provider.pfs import Pfs
from tests.e2e.shell import Shell, watching
from tests.e2e.spouts import commands, make_page_pipeline, n_there, open_queue, wait_until

if TYPE_CHECKING:
    import psycopg

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(folder=tmp_path)


@pytest.fixture
def queue() -> Iterator[tuple[str, "psycopg.Connection"]]:
    """A queue of its own: how to get there, and a connection."""
    with open_queue() as opened:
        yield opened


@pytest.mark.postgres
def test_every_message_gets_in_once_although_the_command_is_killed_again_and_again(
    shell: Shell, queue: tuple[str, "psycopg.Connection"]
) -> None:
    place, connection = queue
    script = make_page_pipeline(shell, place)
    (shell.folder / "hold").touch()
    bodies = {f"/{number}": f"message {number}" for number in range(1, 41)}
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO message (body) VALUES (%s)", [[b] for b in bodies.values()])

    with watching(shell) as runner, Pfs(home=shell.folder / "home") as pfs:
        for number in (1, 2, 3):
            wait_until(lambda number=number: len(pfs.list_commits("messages")) == number)  # type: ignore[misc]
            assert n_there(pfs) == 5
            [pid] = commands(script)
            os.kill(pid, signal.SIGKILL)
        (shell.folder / "hold").unlink()
        wait_until(lambda: connection.execute("SELECT 1 FROM message").fetchone() is None)
        connection.execute("INSERT INTO message (body) VALUES ('late')")
        connection.execute("NOTIFY message")
        wait_until(lambda: n_there(pfs) == 41)

        found = {
            info.path: pfs.read_file(f"messages@master:{info.path}").decode()
            for info in pfs.list_files("messages@master:/")
        }
        assert found == bodies | {"/41": "late"}
        # The first five were put four times, to the same effect.
        assert len(pfs.list_commits("messages")) == 3 + 8 + 1
        assert pfs.list_jobs() == []
        said = "[it was killed by signal 9; it is started again in"
        wait_until(lambda: shell.ok("logs", "--pipeline", "messages").count(said) == 3)
        assert len(commands(script)) == 1
        runner.kill()
        runner.wait()
        wait_until(lambda: commands(script) == [])


def test_a_spout_without_a_queue_commits_with_the_command_line(shell: Shell) -> None:
    lines = ["echo $(date +%s%N) | pfs put file tap@master:/now -f -", "sleep 1000"]
    spec = {
        "pipeline": {"name": "tap"},
        "transform": {"cmd": ["sh"], "stdin": lines},
        "spout": {},
    }
    shell.ok("create", "pipeline", "-f", "-", stdin=json.dumps(spec).encode())
    below = {
        "pipeline": {"name": "copy"},
        "transform": {"cmd": ["sh", "-c", "cp /pfs/tap/* /pfs/out"]},
        "input": {"pfs": {"repo": "tap", "glob": "/*"}},
    }
    shell.ok("create", "pipeline", "-f", "-", stdin=json.dumps(below).encode())
    with watching(shell), Pfs(home=shell.folder / "home") as pfs:
        wait_until(lambda: [job.state for job in pfs.list_jobs("copy")] == ["success"])
        assert pfs.read_file("copy@master:/now") == pfs.read_file("tap@master:/now")
        assert pfs.inspect_pipeline("tap").state == "running"
        [upstream] = pfs.provenance("copy@master")
        assert isinstance(upstream, CommitInfo)
        assert (upstream.repo, upstream.origin) == ("tap", "user")
    # Its runner was killed: nobody was there to note that.
    [tap] = shell.json("list", "pipeline")[1:]
    assert (tap["name"], tap["state"]) == ("tap", "starting")
    assert "nobody keeps it up: `pfs run --watch` does" in tap["reason"]
    assert shell.pfs("put", "file", "copy@master:/x", "-f", "-", stdin=b"x").returncode == 5

"""Spouts from outside: the page's own command over a real queue, killed again and again."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pfs_provider.errors import NotFoundError
from pfs_provider.infos import CommitInfo
from pfs_provider.pfs import Pfs
from tests.docs.pages import find_blocks
from tests.e2e.shell import Shell, watching

pytestmark = pytest.mark.timeout(600)

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/services-and-spouts.md"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(folder=tmp_path)


@pytest.fixture
def queue(postgres_url: str) -> Iterator[tuple[str, "psycopg.Connection"]]:
    """A queue of its own: how to get there, and a connection."""
    url = postgres_url.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE message (id bigserial PRIMARY KEY, body text NOT NULL)")
        yield make_conninfo(url), connection


def wait_until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        time.sleep(0.1)


def commands(script: Path) -> list[int]:
    """The processes that run it."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.fsencode(script) in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def n_there(pfs: Pfs) -> int:
    """How many messages have landed."""
    with suppress(NotFoundError):
        return len(list(pfs.list_files("messages@master:/")))
    return 0


def make_page_pipeline(shell: Shell, place: str) -> Path:
    """Make the page's pipeline over this queue; return its command's script."""
    blocks = [block for block in find_blocks(PAGE.read_text()) if "file" in block.marks]
    texts = {block.marks["file"]: block.text for block in blocks}
    # Taken in small steps, and held between commit and delete: there it is to be killed.
    held = f"while os.path.exists({str(shell.folder / 'hold')!r}): __import__('time').sleep(0.1)"
    code = texts["take.py"].replace("LIMIT 100", "LIMIT 5")
    before, ids, after = code.partition("                ids =")
    script = shell.folder / shell.write("take.py", f"{before}{' ' * 16}{held}\n{ids}{after}")
    for old, new in (
        ("/opt/take.py", str(script)),
        ("dbname=shop host=db.example.org user=pfs", json.dumps(place)),
        ("/etc/pfs/pgpass", str(shell.folder / "pgpass")),
    ):
        assert old in texts["messages.yaml"]
        texts["messages.yaml"] = texts["messages.yaml"].replace(old, new)
    shell.ok("create", "pipeline", "-f", "-", stdin=texts["messages.yaml"].encode())
    return script


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

"""The spout of docs/how-to/services-and-spouts.md over a queue of the test's own."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from pfs_provider.errors import NotFoundError
from pfs_provider.pfs import Pfs
from tests.docs.pages import find_blocks
from tests.e2e.shell import Shell
from tests.services import postgres_database

__all__ = ["PAGE", "commands", "make_page_pipeline", "n_there", "open_queue", "wait_until"]

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/services-and-spouts.md"


@contextmanager
def open_queue() -> Iterator[tuple[str, "psycopg.Connection"]]:
    """Make a queue, the page's table; give how to get there, and a connection."""
    with postgres_database() as sqlalchemy_url:
        url = sqlalchemy_url.replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE message (id bigserial PRIMARY KEY, body text NOT NULL)"
            )
            yield make_conninfo(url), connection


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for it, as long as the whole test may take."""
    while not is_so():
        time.sleep(0.1)


def commands(script: Path) -> list[int]:
    """Return the processes that run it, also those in containers."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            program, *words = (folder / "cmdline").read_bytes().split(b"\0")
            # Not what starts it in a container.
            if os.fsencode(script) in words and b"python" in program:
                found.append(int(folder.name))
    return found


def n_there(pfs: Pfs) -> int:
    """Return how many messages have landed."""
    with suppress(NotFoundError):
        return len(list(pfs.list_files("messages@master:/")))
    return 0


def make_page_pipeline(shell: Shell, place: str, *, image: str = "") -> Path:
    """Make the page's pipeline over a queue; return its command's script.

    Args:
        shell: Who makes it.
        place: Where the queue is.
        image: What the command runs in, which has this Python at its own path.
    """
    blocks = [block for block in find_blocks(PAGE.read_text()) if "file" in block.marks]
    texts = {block.marks["file"]: block.text for block in blocks}
    # Taken in small steps, and held between commit and delete: there it is to be killed.
    held = f"while os.path.exists({str(shell.folder / 'hold')!r}): __import__('time').sleep(0.1)"
    code = texts["take.py"].replace("LIMIT 100", "LIMIT 5")
    before, ids, after = code.partition("                ids =")
    script = shell.folder / shell.write("take.py", f"{before}{' ' * 16}{held}\n{ids}{after}")
    inside = f"  image: {image}\n" if image else ""
    for old, new in (
        ("  cmd: [python3", f"{inside}  cmd: [{sys.executable if image else 'python3'}"),
        ("/opt/take.py", str(script)),
        ("dbname=shop host=db.example.org user=pfs", json.dumps(place)),
        ("/etc/pfs/pgpass", str(shell.folder / "pgpass")),
    ):
        assert old in texts["messages.yaml"]
        texts["messages.yaml"] = texts["messages.yaml"].replace(old, new)
    shell.ok("create", "pipeline", "-f", "-", stdin=texts["messages.yaml"].encode())
    return script

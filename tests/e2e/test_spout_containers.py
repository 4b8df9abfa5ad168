"""A spout in containers: the page's own command over a real queue, PostgreSQL and S3, killed."""

import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.pfs import Pfs
from tests.containers import ask, find_image, find_test_engine, host_tools, list_containers
from tests.e2e.shell import ROOT, Shell, watching
from tests.e2e.spouts import commands, make_page_pipeline, n_there, open_queue, wait_until
from tests.services import StorePlace

pytestmark = [pytest.mark.timeout(900), pytest.mark.postgres, pytest.mark.minio]


def _mount(*folders: object) -> Iterator[str]:
    for folder in dict.fromkeys(str(Path(str(folder)).resolve()) for folder in folders):
        yield f"--mount=type=bind,source={folder},target={folder},readonly"


@pytest.fixture
def label() -> str:
    return f"pfs.test={os.getpid()}.{time.monotonic_ns()}"


@pytest.fixture
def shell(tmp_path: Path, postgres_url: str, minio_store: StorePlace, label: str) -> Shell:
    """A person whose catalog and store are reached from containers, too."""
    find_test_engine()
    options = (
        *("--network", "host", "--label", label),
        *host_tools(),
        *_mount(ROOT, sys.base_prefix, tmp_path, "/etc/ssl"),
    )
    options += ("--env", f"PYTHONPATH={ROOT}")
    return Shell(
        folder=tmp_path,
        env={
            "PFS_CATALOG": postgres_url,
            "PFS_STORE": minio_store.url,
            **{name.upper(): text for name, text in minio_store.options.items()},
            "PFS_CONTAINER_OPTIONS": shlex.join(options),
            "PFS_CONTAINER_PULL": "never",
        },
    )


def test_every_message_gets_in_once_although_command_container_and_runner_are_killed(
    shell: Shell, postgres_url: str, minio_store: StorePlace, label: str
) -> None:
    bodies = {f"/{number}": f"message {number}" for number in range(1, 21)}
    engine = find_test_engine()
    (shell.folder / "hold").touch()

    with (
        open_queue() as (place, queue),
        Pfs(
            home=shell.folder / "home", catalog=postgres_url, store=minio_store.url,
            store_options=minio_store.options,
        ) as pfs,
    ):  # fmt: skip
        script = make_page_pipeline(shell, place, image=find_image())
        with queue.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO message (body) VALUES (%s)", [[body] for body in bodies.values()]
            )
        with watching(shell, "--executor", "container"):
            wait_until(lambda: len(pfs.list_commits("messages")) == 1)
            assert pfs.inspect_pipeline("messages").state == "running"
            [pid] = commands(script)
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: len(pfs.list_commits("messages")) == 2)
            [container] = list_containers(engine, f"label={label}")
            ask(engine, "kill", container)
            wait_until(lambda: len(pfs.list_commits("messages")) == 3)
        # The runner was killed, and with it what it kept up.
        wait_until(lambda: list_containers(engine, f"label={label}") == [])
        assert commands(script) == []
        assert "nobody keeps it up" in pfs.inspect_pipeline("messages").reason
        (shell.folder / "hold").unlink()
        with watching(shell, "--executor", "container"):
            wait_until(lambda: queue.execute("SELECT 1 FROM message").fetchone() is None)

        found = {
            info.path: pfs.read_file(f"messages@master:{info.path}").decode()
            for info in pfs.list_files("messages@master:/")
        }
        assert found == bodies
        assert n_there(pfs) == len(bodies)
        # The first five were put four times, to the same effect.
        assert len(pfs.list_commits("messages")) == 3 + 4
    wait_until(lambda: list_containers(engine, f"label={label}") == [])

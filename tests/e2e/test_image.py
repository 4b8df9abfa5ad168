"""The image of deploy/, built by a real engine: what it says of itself holds in its containers.

Building takes minutes and asks package registries, so it is done only where it is asked for:

    PFS_TEST_BUILD=""             builds; words in it are more options of `docker build`, such as
                                  `--build-arg BASE=…` or `--volume` for a registry's certificates

Its base has to be in the engine or to be had from a registry.
"""

import os
import shlex
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.jobs.container_engine import ContainerEngine
from tests.containers import find_test_engine

pytestmark = [pytest.mark.timeout(1800)]

ROOT = Path(__file__).resolve().parents[2]
BUILD = "PFS_TEST_BUILD"
OWNER = "65532"
"""The image's user, which owns nothing in it."""


@pytest.fixture(scope="module")
def built() -> Iterator[tuple[ContainerEngine, str]]:
    options = os.environ.get(BUILD)
    if options is None:
        pytest.skip(f"{BUILD} is not set: {BUILD}='' builds deploy/image/Dockerfile, in minutes")
    engine = find_test_engine()
    name = f"localhost/pfs-test-image:{uuid.uuid4().hex[:12]}"
    command = ["build", "-f", str(ROOT / "deploy/image/Dockerfile"), "-t", name]
    done = _ask(engine, *command, *shlex.split(options), str(ROOT), timeout_s=1500)
    assert done.returncode == 0, done.stderr[-4000:]
    try:
        yield engine, name
    finally:
        _ask(engine, "rmi", name)


def _ask(
    engine: ContainerEngine, *arguments: str, timeout_s: float = 120
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [engine.program, *arguments],
        capture_output=True,
        env=dict(engine.environment),
        text=True,
        check=False,
        timeout=timeout_s,
    )


def _run(built: tuple[ContainerEngine, str], script: str) -> str:
    """Run a script as a restricted pod would: nothing to be written but /tmp, no rights."""
    engine, name = built
    closed = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "none")
    done = _ask(engine, "run", "--rm", *closed, "--entrypoint", "sh", name, "-ec", script)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_the_command_line(built: tuple[ContainerEngine, str]) -> None:
    engine, name = built

    done = _ask(engine, "run", "--rm", "--network", "none", name)

    assert done.returncode == 0, done.stderr
    assert "Usage: pfs" in done.stdout


def test_a_file_goes_in_and_comes_out_with_nothing_but_tmp(
    built: tuple[ContainerEngine, str],
) -> None:
    said = _run(
        built,
        "id -u; id -g; export PFS_HOME=/tmp/home; pfs create repo in; "
        "echo hello | pfs put file in@master:/a -f -; pfs get file in@master:/a",
    )

    assert said.split() == [OWNER, OWNER, "hello"]


def test_it_has_what_a_worker_puts_into_pods_and_what_launchers_need(
    built: tuple[ContainerEngine, str],
) -> None:
    said = _run(
        built,
        "python -m pfs_provider.worker.shim.install /tmp/shim; /tmp/shim/busybox echo static; "
        "python -c 'import kubernetes, psycopg, prometheus_client; print(\"all there\")'",
    )

    assert said.splitlines()[-2:] == ["static", "all there"]


def test_its_user_owns_nothing_and_nobody_may_become_another(
    built: tuple[ContainerEngine, str],
) -> None:
    kept = "-not -path '/proc/*' -not -path '/tmp*' -not -path '/dev/*' -not -path '/run/*'"
    said = _run(built, f"find / -xdev -user {OWNER} {kept} 2>/dev/null || true")

    assert said == ""

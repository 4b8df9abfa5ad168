"""Many writers at once on one branch: each commit lands or gets a clear conflict, none is lost."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from pfs_provider.errors import ConflictError, ErrorCode
from pfs_provider.pfs import Pfs

ROOT = Path(__file__).resolve().parents[2]
N_PROCESSES = 10
N_THREADS = 10


def write_at_once(
    settings: dict[str, str], *, n_commits: int
) -> tuple[list[dict[str, str]], float]:
    """Let the writers go together; return what each commit came to, and the seconds taken."""
    processes = [
        subprocess.Popen(
            [
                sys.executable, "-m", "tests.writer", json.dumps(settings),
                "in@master", str(number), str(N_THREADS), str(n_commits),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(N_PROCESSES)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    began = time.monotonic()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[0] for process in processes]
    took = time.monotonic() - began
    assert [process.returncode for process in processes] == [0] * N_PROCESSES
    return [json.loads(line) for text in said for line in text.splitlines()], took


@pytest.mark.timeout(180)
def test_of_100_concurrent_writers_each_lands_or_gets_a_clear_conflict(
    catalog_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    settings = {"catalog": catalog_url, "store": str(tmp_path / "store")}
    with Pfs(**settings) as pfs:  # type: ignore[arg-type]  # two of its settings
        pfs.create_repo("in")

        told, took = write_at_once(settings, n_commits=1)

        landed = {line["id"]: line["path"] for line in told if "id" in line}
        refused = [line for line in told if "id" not in line]
        record_property("commits_per_s", round(len(landed) / took, 1))
        assert len(told) == N_PROCESSES * N_THREADS
        assert {line["error"] for line in refused} <= {"ConflictError"}, refused
        assert len(landed) > len(told) / 2
        history = pfs.list_commits("in@master")
        assert {commit.id: commit.message for commit in history} == landed
        for child, parent in pairwise(history):
            assert child.parent == parent.id
        assert history[-1].parent is None
        assert {info.path for info in pfs.glob_files("in@master", "/**")} == set(landed.values())
        path = history[len(history) // 2].message
        assert pfs.read_file(f"in@master:{path}").decode() == path


@contextmanager
def role_with_few_connections(url: str, n_connections: int) -> Iterator[str]:
    """Make a role that may have that many connections at once; yield the URL that it takes."""
    psycopg = pytest.importorskip("psycopg")
    name = f"pfs_few_{uuid.uuid4().hex}"
    server = url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN CONNECTION LIMIT {n_connections} PASSWORD 'few'")
        admin.execute(f"GRANT ALL ON SCHEMA public TO {name}")
        try:
            yield f"postgresql+psycopg://{name}:few@{url.rpartition('@')[2]}"
        finally:
            admin.execute(f"DROP OWNED BY {name}")
            admin.execute(f"DROP ROLE {name}")


@pytest.mark.postgres
def test_writers_wait_for_a_connection_where_the_server_has_none_left(
    postgres_url: str, tmp_path: Path
) -> None:
    with role_with_few_connections(postgres_url, 2) as url:

        def write(number: int) -> None:
            with Pfs(catalog=url, store=str(tmp_path)) as pfs, pfs.commit("in@master") as c:
                c.put_file(f"/{number}", b"x")

        with Pfs(catalog=url, store=str(tmp_path)) as pfs:
            pfs.create_repo("in")
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(write, range(6)))

        with Pfs(catalog=url, store=str(tmp_path)) as pfs:
            assert len(pfs.list_commits("in@master")) == 6


def test_a_file_and_a_directory_of_one_name_do_not_both_land(
    catalog_url: str, tmp_path: Path
) -> None:
    with Pfs(catalog=catalog_url, store=str(tmp_path)) as pfs:
        pfs.create_repo("in")

        def write(path: str) -> str:
            try:
                with pfs.commit("in@master") as c:
                    c.put_file(path, b"x")
            except ConflictError as error:
                return error.code
            return "landed"

        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(write, ["/x", "/x/y"] * 4))

        kinds = {outcomes[at] for at in range(0, 8, 2)}, {outcomes[at] for at in range(1, 8, 2)}
        assert sorted(map(sorted, kinds)) == [["landed"], [ErrorCode.PATH_CONFLICT]]


def test_appends_at_once_are_all_there_or_refused(catalog_url: str, tmp_path: Path) -> None:
    with Pfs(catalog=catalog_url, store=str(tmp_path)) as pfs:
        pfs.create_repo("in")
        pfs.put_file("in@master:/log", b"")

        def append(number: int) -> str:
            try:
                pfs.put_file("in@master:/log", f"{number}\n".encode(), append=True)
            except ConflictError as error:
                return error.code
            return str(number)

        with ThreadPoolExecutor(8) as pool:
            outcomes = set(pool.map(append, range(16)))

        lines = pfs.read_file("in@master:/log").decode().splitlines()
        landed = outcomes - {ErrorCode.BRANCH_MOVED}
        assert landed
        assert sorted(lines) == sorted(landed)

"""A pod without a cluster; one database a session: each test has a schema of its own in it.

Making and dropping a database makes the server write everything out: seconds on a busy disk.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.shim_pod import Pod
from tests.services import postgres_database


@pytest.fixture(scope="session")
def shared_postgres() -> Iterator[str]:
    with postgres_database() as url:
        yield url


@pytest.fixture
def postgres_url(shared_postgres: str) -> str:
    psycopg = pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    schema = f"test_{uuid.uuid4().hex}"
    server = shared_postgres.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{schema}"')
    return f"{shared_postgres}?options=-csearch_path%3D{schema}"


@pytest.fixture
def empty_pod(tmp_path: Path) -> Iterator[Pod]:
    """Yield a pod whose user container has not been started."""
    made = Pod(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def pod(empty_pod: Pod) -> Pod:
    return empty_pod.start()

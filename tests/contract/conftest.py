"""One database a session instead of one a test: each test has a schema of its own in it.

Making and dropping a database makes the server write everything out: seconds on a busy disk.
"""

import uuid
from collections.abc import Iterator

import pytest

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

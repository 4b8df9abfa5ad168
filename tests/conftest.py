"""Fixtures for all tests: homes, stores and catalogs, each fresh for the test that asks.

    pfs_home                                   a folder that PFS_HOME names
    local_store, memory_store, minio_store     a StorePlace (url, options)
    store_place                                every one of them in turn
    sqlite_url, postgres_url                   an SQLAlchemy URL of an empty database
    catalog_url                                both in turn
    world                                      a whole engine: catalog in SQLite, store in memory
    golden                                     compare bytes with a file in tests/golden

PFS_TEST_PROFILE chooses how many examples hypothesis tries: fast (default), ci, deep.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.pfs_world import PfsWorld
from tests.services import REGION, StorePlace, need, postgres_database, s3_bucket, s3_options

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"

# No deadline: on a shared machine it measures the neighbours.
# Derandomised: the same run twice finds the same.
settings.register_profile("fast", max_examples=30, derandomize=True, deadline=None)
settings.register_profile("ci", max_examples=100, derandomize=True, deadline=None)
settings.register_profile("deep", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("PFS_TEST_PROFILE", "fast"))


_AIRFLOW_HOME = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Give Airflow a home of its own before anything imports it: it writes there on import."""
    home = tempfile.mkdtemp(prefix="pfs-test-airflow-")
    config.stash[_AIRFLOW_HOME] = home
    os.environ["AIRFLOW_HOME"] = home
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[_AIRFLOW_HOME], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what takes long by design, with the variable that brings it in."""
    if os.environ.get("PFS_TEST_DEEP"):
        return
    for item in items:
        if item.get_closest_marker("deep"):
            item.add_marker(pytest.mark.skip(reason="PFS_TEST_DEEP is not set: takes minutes"))


@pytest.fixture(autouse=True)
def no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's own settings: a test must not touch their data."""
    for name in list(os.environ):
        if name.startswith("PFS_") and not name.startswith("PFS_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PFS_HOME", "/nonexistent/ask-for-the-fixture-pfs_home")


@pytest.fixture
def pfs_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "pfs-home"
    monkeypatch.setenv("PFS_HOME", str(home))
    return home


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PfsWorld]:
    """An engine with the empty repo ``in``."""
    made = PfsWorld(tmp_path / "world")
    made.pfs.create_repo("in")
    yield made
    made.close()


@pytest.fixture
def local_store(tmp_path: Path) -> StorePlace:
    return StorePlace(url=(tmp_path / "store").as_uri())


@pytest.fixture
def memory_store() -> StorePlace:
    return StorePlace(url="memory://")


@pytest.fixture(scope="session")
def minio_bucket() -> Iterator[str]:
    with s3_bucket() as name:
        yield name


@pytest.fixture
def minio_store(minio_bucket: str, tmp_path: Path) -> StorePlace:
    endpoint = need("PFS_TEST_S3_ENDPOINT", "minio")
    prefix = tmp_path.name  # pytest makes it unique within the session
    url = f"s3://{minio_bucket}/{prefix}?endpoint={endpoint}&region={REGION}"
    return StorePlace(url=url, options=s3_options())


@pytest.fixture(params=["local", "memory", pytest.param("minio", marks=pytest.mark.minio)])
def store_place(request: pytest.FixtureRequest) -> StorePlace:
    place = request.getfixturevalue(f"{request.param}_store")
    assert isinstance(place, StorePlace)
    return place


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'catalog.db'}"


@pytest.fixture
def postgres_url() -> Iterator[str]:
    with postgres_database() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def catalog_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def golden() -> Callable[[str, bytes], None]:
    """Compare bytes with tests/golden/NAME; `make golden` writes what is there now instead."""

    def check(name: str, data: bytes) -> None:
        path = GOLDEN / name
        if os.environ.get("PFS_TEST_REWRITE_GOLDEN"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        assert path.exists(), f"tests/golden/{name} is missing: `make golden` writes it"
        assert data == path.read_bytes(), f"tests/golden/{name} differs from what is made now"

    return check

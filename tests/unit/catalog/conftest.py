"""A catalog on SQLite for each test, copied from one that was migrated once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.catalog.transaction import Tx
from tests.catalog_world import World


@pytest.fixture(scope="session")
def empty_catalog(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("catalog") / "catalog.db"
    world = World(f"sqlite:///{path}")
    world.catalog.open()
    world.catalog.close()
    return path.read_bytes()


@pytest.fixture
def world(empty_catalog: bytes, tmp_path: Path) -> Iterator[World]:
    path = tmp_path / "catalog.db"
    path.write_bytes(empty_catalog)
    world = World(f"sqlite:///{path}")
    world.repos("A", "B", "C")
    yield world
    world.check()
    world.catalog.close()


@pytest.fixture
def tx(world: World) -> Iterator[Tx]:
    """One transaction around the whole test; it is committed, so it has to be sound."""
    with world.act() as tx:
        yield tx

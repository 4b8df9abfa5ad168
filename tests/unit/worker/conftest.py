"""A whole engine, fresh for the test that asks: catalog in SQLite, store in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pfs_world import PfsWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PfsWorld]:
    """An engine with the empty repo ``in``."""
    made = PfsWorld(tmp_path / "world")
    made.pfs.create_repo("in")
    yield made
    made.close()

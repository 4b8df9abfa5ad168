"""The home that an example's test asks for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider import Pfs
from tests.examples.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Pfs(home=tmp_path / "home") as pfs:
        yield Home(pfs)

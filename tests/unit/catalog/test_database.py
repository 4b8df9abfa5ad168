from pathlib import Path

import pytest

from pfs_provider.catalog import repos
from pfs_provider.catalog.database import Catalog
from pfs_provider.errors import ErrorCode, RefusedError, UnavailableError
from tests.catalog_world import CountingIds, HandClock, World, repo


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "catalog.db"
    catalog = Catalog(f"sqlite:///{path}", clock=HandClock(), ids=CountingIds())
    assert not path.parent.exists()

    catalog.open()
    catalog.close()
    catalog.close()

    assert path.exists()


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    url = "postgresql://pfs:secret@127.0.0.1:1/none"
    catalog = Catalog(url, clock=HandClock(), ids=CountingIds())

    with pytest.raises(UnavailableError) as caught:
        catalog.open()

    assert caught.value.code == ErrorCode.CATALOG_UNAVAILABLE
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
    assert "secret" not in catalog.location


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    path.write_text("not a database, but a text that is longer than a header" * 10)

    with pytest.raises(UnavailableError, match=str(path)):
        Catalog(f"sqlite:///{path}", clock=HandClock(), ids=CountingIds()).open()


def test_a_url_is_checked_at_once() -> None:
    with pytest.raises(RefusedError) as caught:
        Catalog("mysql://x/y", clock=HandClock(), ids=CountingIds())

    assert caught.value.code == ErrorCode.CATALOG_URL_ILLEGAL


def _create_and_fail(world: World) -> None:
    with world.catalog.write() as tx:
        repos.create_repo(tx, repo("Z"))
        raise ZeroDivisionError


def test_an_exception_undoes_the_whole_block(world: World) -> None:
    with pytest.raises(ZeroDivisionError):
        _create_and_fail(world)

    with world.catalog.read() as tx:
        assert repos.find_repo(tx, repo("Z")) is None

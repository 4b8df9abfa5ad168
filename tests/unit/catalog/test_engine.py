import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from pfs_provider.catalog.engine import lock_for_writing, make_engine, parse_url, shown
from pfs_provider.errors import RefusedError, UnavailableError
from tests.catalog_world import HandClock


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("postgresql://h/d", "postgresql+psycopg"),
        ("postgres://h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg"),
        ("sqlite:////tmp/x.db", "sqlite"),
    ],
)
def test_the_driver_is_chosen(given: str, driver: str) -> None:
    assert parse_url(given).drivername == driver


@pytest.mark.parametrize("given", ["", "nonsense", "/a/path.db", "mysql://u:secret@h/d", "://"])
def test_what_is_no_catalog_url_is_refused_without_repeating_it(given: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_url(given)

    assert "secret" not in str(caught.value)


def test_a_password_is_hidden() -> None:
    assert "secret" not in shown(parse_url("postgresql://u:secret@h/d"))


@pytest.mark.parametrize("given", ["sqlite://", "sqlite:///:memory:"])
def test_memory_cannot_be_shared(given: str) -> None:
    with pytest.raises(RefusedError):
        make_engine(parse_url(given), clock=HandClock())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UnavailableError, match=str(tmp_path / "file")):
        make_engine(parse_url(f"sqlite:///{tmp_path}/file/catalog.db"), clock=HandClock())


def test_sqlite_is_set_up_for_writers_beside_readers(tmp_path: Path) -> None:
    engine = make_engine(parse_url(f"sqlite:///{tmp_path}/c.db"), clock=HandClock())

    with engine.connect() as connection:
        pragmas = [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        ]
    engine.dispose()

    assert pragmas == ["wal", 1, 2, 60_000]


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    engine = make_engine(parse_url(f"sqlite:///{tmp_path}/c.db"), clock=HandClock())
    order: list[str] = []

    def second() -> None:
        with lock_for_writing(engine):
            order.append("second")

    with lock_for_writing(engine):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.05)
        order.append("first")
    thread.join()
    engine.dispose()

    assert order == ["first", "second"]

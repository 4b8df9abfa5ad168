"""Files into the tables of a database."""

import threading
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from pfs_provider.egress.tables import load_tables
from pfs_provider.errors import ConflictError, ErrorCode, RefusedError, UnavailableError
from pfs_provider.spec.model import SqlFileFormat
from pfs_provider.storage.handle import Storage
from pfs_provider.storage.values import TreeRef
from tests.unit.egress.conftest import MakeTree

TABLES = """
CREATE TABLE people (age INTEGER, name VARCHAR(9) NOT NULL, paid BOOLEAN, born DATE, sum NUMERIC);
CREATE TABLE "odd ""name:x" (a TEXT);
INSERT INTO people (age, name) VALUES (99, 'old');
INSERT INTO "odd ""name:x" VALUES ('old');
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        (tmp_path / "some.db").touch()
        url = f"sqlite:///{tmp_path / 'some.db'}"
    else:
        url = request.getfixturevalue("postgres_url")
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in filter(str.strip, TABLES.split(";")):
            connection.exec_driver_sql(statement)
    yield engine
    engine.dispose()


def url_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def query(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def load(
    storage: Storage,
    tree: TreeRef,
    engine: Engine,
    kind: Literal["CSV", "JSON"] = "CSV",
    *,
    columns: tuple[str, ...] = (),
    check: Any = lambda: None,
) -> None:
    form = SqlFileFormat(type=kind, columns=columns)
    load_tables(storage, tree, url_of(engine), password=None, form=form, check=check)


def test_the_rows_of_all_files_replace_those_of_the_table_however_often(
    storage: Storage, make_tree: MakeTree, database: Engine
) -> None:
    tree = make_tree(
        {
            "/people/1.csv": b"3,ann,true,2020-01-02,1.25\n",
            "/people/deep/er": b"4,,,,\n" * 2500,
            '/odd "name:x/1': b"new\n",
        }
    )

    for _ in range(2):
        load(storage, tree, database)

    assert query(database, "SELECT count(*) FROM people") == [(2501,)]
    [row] = query(database, "SELECT age, name, paid, born, sum FROM people WHERE age = 3")
    if database.dialect.name == "postgresql":
        assert row == (3, "ann", True, date(2020, 1, 2), Decimal("1.25"))
    assert row[:2] == (3, "ann")
    empty = "SELECT DISTINCT age, name, paid, born, sum FROM people WHERE age = 4"
    assert query(database, empty) == [(4, "", None, None, None)]
    assert query(database, 'SELECT a FROM "odd ""name:x"') == [("new",)]


def test_json_and_columns_choose_what_is_loaded(
    storage: Storage, make_tree: MakeTree, database: Engine
) -> None:
    files = {"/people/1": b'{"name": "ann", "age": 3, "sum": 0.1}\n{"name": "bob", "age": null}'}

    load(storage, make_tree(files), database, "JSON", columns=("name", "age"))

    found = query(database, "SELECT name, age, sum FROM people ORDER BY name")
    assert found == [("ann", 3, None), ("bob", None, None)]


def test_a_table_that_the_output_does_not_name_stays(
    storage: Storage, make_tree: MakeTree, database: Engine
) -> None:
    load(storage, make_tree({"/people/1": b""}), database)

    assert query(database, "SELECT count(*) FROM people") == [(0,)]
    assert query(database, 'SELECT a FROM "odd ""name:x"') == [("old",)]


@pytest.mark.parametrize(
    ("files", "columns", "why"),
    [
        ({"/people/1": b"5,eve,,,\n", "/root.csv": b"1"}, (), "/root.csv belongs to no table"),
        ({"/people/1": b"5,eve,,,\n", "/zoo/1": b"1"}, (), "no table 'zoo'"),
        ({"/people/1": b"5,eve,,,\n", "/people/2": b"1,2\n"}, (), "/people/2 cannot be loaded"),
        ({"/people/1": b"name,zip\neve,1\n"}, ("name", "zip"), "no column 'zip'"),
    ],
)
def test_what_does_not_fit_changes_nothing_in_any_table(
    storage: Storage,
    make_tree: MakeTree,
    database: Engine,
    files: dict[str, bytes],
    columns: tuple[str, ...],
    why: str,
) -> None:
    with pytest.raises(RefusedError, match=why) as raised:
        load(storage, make_tree(files), database, columns=columns)

    assert raised.value.code == ErrorCode.EGRESS_ILLEGAL
    assert query(database, "SELECT age, name FROM people") == [(99, "old")]


def test_a_value_that_the_database_refuses_is_told_with_its_file(
    storage: Storage, make_tree: MakeTree, database: Engine
) -> None:
    files = {"/people/1": b'{"age": 1, "name": null}'}

    with pytest.raises(RefusedError, match="/people/1 cannot be loaded"):
        load(storage, make_tree(files), database, "JSON")
    assert query(database, "SELECT age, name FROM people") == [(99, "old")]


def test_an_end_just_before_the_commit_undoes_all(
    storage: Storage, make_tree: MakeTree, database: Engine
) -> None:
    turn = iter([None])

    def check() -> None:
        if next(turn, "over") == "over":
            raise ConflictError(ErrorCode.LEASE_LOST, "gone")

    with pytest.raises(ConflictError):
        load(storage, make_tree({"/people/1": b"5,eve,,,\n"}), database, check=check)
    assert query(database, "SELECT age, name FROM people") == [(99, "old")]


def test_loads_side_by_side_double_nothing(
    storage: Storage, make_tree: MakeTree, database: Engine
) -> None:
    tree = make_tree({"/people/1": b"5,eve,,,\n" * 1500})
    failed: list[BaseException] = []

    def run() -> None:
        try:
            load(storage, tree, database)
        except BaseException as error:  # noqa: BLE001 the test looks at it
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert query(database, "SELECT count(*) FROM people") == [(1500,)]


@pytest.mark.postgres
def test_a_server_that_throws_us_out_in_the_middle_keeps_the_old_rows(
    storage: Storage, make_tree: MakeTree, postgres_url: str
) -> None:
    others = create_engine(postgres_url, poolclass=NullPool)
    with others.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE people (a TEXT)")
        connection.exec_driver_sql("INSERT INTO people VALUES ('old')")
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    turn = iter(["first batch", "second"])

    def check() -> None:
        if next(turn, "") == "second":
            query(others, kill)

    tree = make_tree({"/people/1": b"new\n" * 1500})

    with pytest.raises(UnavailableError, match="does not work") as raised:
        load(storage, tree, others, check=check)
    assert raised.value.code == ErrorCode.EGRESS_UNAVAILABLE
    assert query(others, "SELECT a FROM people") == [("old",)]

    load(storage, tree, others)
    assert query(others, "SELECT DISTINCT a, count(*) FROM people GROUP BY a") == [("new", 1500)]


@pytest.mark.parametrize(
    ("url", "kind", "why"),
    [
        ("no url", RefusedError, "none of a database"),
        ("sqlite:////no/such.db", RefusedError, "create it"),
        ("sqlite://", RefusedError, "create it"),
        ("nosuch://u:hidden@h/d", UnavailableError, "driver"),
        ("postgresql://u@127.0.0.1:1/d", UnavailableError, r"u:\*\*\*@127.0.0.1:1/d does not work"),
    ],
)
def test_a_database_that_is_not_there_is_told_without_the_password(
    storage: Storage, make_tree: MakeTree, url: str, kind: type[Exception], why: str
) -> None:
    form = SqlFileFormat(type="CSV")

    with pytest.raises(kind, match=why) as raised:
        load_tables(storage, make_tree({}), url, password="hidden", form=form, check=lambda: None)
    assert "hidden" not in str(raised.value)

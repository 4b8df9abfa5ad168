"""The example docs/examples/cron-query, on Fisher's irises, which scikit-learn ships."""

import pytest
import sqlalchemy
from sklearn.datasets import load_iris

from tests.examples.home import Home

pytestmark = pytest.mark.timeout(300)

TABLE = """CREATE TABLE irises (
    id INTEGER PRIMARY KEY, species TEXT, sepal_length FLOAT, petal_length FLOAT)"""
ROW = "INSERT INTO irises VALUES (:id, :species, :sepal, :petal)"
IRIS = load_iris()
SPECIES = [str(name) for name in IRIS.target_names]


def _rows(species: str) -> list[tuple[float, float]]:
    found = IRIS.data[IRIS.target == SPECIES.index(species)]
    return [(float(row[0]), float(row[2])) for row in found]


def _add(url: str, species: str) -> None:
    """Insert the measurements of a species, in one transaction."""
    start = 1000 * SPECIES.index(species)
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        if not sqlalchemy.inspect(connection).has_table("irises"):
            connection.execute(sqlalchemy.text(TABLE))
        for number, (sepal, petal) in enumerate(_rows(species), start):
            values = {"id": number, "species": species, "sepal": sepal, "petal": petal}
            connection.execute(sqlalchemy.text(ROW), values)
    engine.dispose()


def _rename(url: str, old: str, new: str) -> None:
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(f"ALTER TABLE {old} RENAME TO {new}"))
    engine.dispose()


def _means(*names: str) -> dict[str, bytes]:
    found = {}
    for name in names:
        rows = _rows(name)
        sepal, petal = (sum(column) / len(rows) for column in zip(*rows, strict=True))
        found[f"/{name}"] = f"{len(rows)} rows, {sepal:.2f}, {petal:.2f}\n".encode()
    return found


def _tick(home: Home) -> dict[str, str]:
    home.pfs.run_cron("snapshot")
    return home.run()


def test_each_tick_commits_the_table_and_only_changed_species_go_on(
    home: Home, catalog_url: str
) -> None:
    _add(catalog_url, "setosa")
    _add(catalog_url, "versicolor")
    home.create("cron-query", replace={"__DATABASE__": catalog_url})

    first = _tick(home)
    found = home.read("mean@master")
    _add(catalog_url, "virginica")
    grown = _tick(home)
    found_then = home.read("mean@master")
    same = _tick(home)

    assert first == {"snapshot": "1 + 0 / 1", "mean": "2 + 0 / 2"}
    assert found == _means("setosa", "versicolor")
    assert grown == {"snapshot": "1 + 0 / 1", "mean": "1 + 2 / 3"}
    assert found_then == _means(*SPECIES)
    assert same == {"snapshot": "1 + 0 / 1", "mean": "0 + 3 / 3"}


def test_a_database_that_is_away_fails_the_tick_and_the_next_one_asks_again(
    home: Home, sqlite_url: str
) -> None:
    _add(sqlite_url, "setosa")
    home.create("cron-query", replace={"__DATABASE__": sqlite_url})
    _tick(home)

    _rename(sqlite_url, "irises", "away")
    home.pfs.run_cron("snapshot")
    home.pfs.run()
    states = [home.pfs.list_jobs(name, limit=1)[0].state for name in ("snapshot", "mean")]
    still = home.read("mean@master^")
    _rename(sqlite_url, "away", "irises")
    _add(sqlite_url, "virginica")
    after = _tick(home)

    assert states == ["failure", "unrunnable"]
    assert still == _means("setosa")
    assert after == {"snapshot": "1 + 0 / 1", "mean": "1 + 1 / 2"}

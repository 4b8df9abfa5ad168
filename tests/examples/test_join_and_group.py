"""The example docs/examples/join-and-group, on the time zones that tzdata ships."""

from collections import Counter
from importlib.resources import files

import pytest

from tests.examples.home import Home

ISLANDS = {"BV", "HM"}
"""Uninhabited: they have a code and no zone, here and in the table."""


def _rows(name: str) -> list[list[str]]:
    table = files("tzdata").joinpath("zoneinfo", name).read_text()
    return [line.split("\t") for line in table.splitlines() if not line.startswith("#")]


@pytest.fixture
def zones() -> list[tuple[str, str, str]]:
    """Return region, country and place of each zone of some regions."""
    found = [(row[0], *row[2].split("/", 1)) for row in _rows("zone.tab")]
    return [
        (region, country, place.replace("/", "_"))
        for country, region, place in found
        if region in {"Antarctica", "Indian"}
    ]


def test_files_meet_where_their_keys_are_equal(
    home: Home, zones: list[tuple[str, str, str]]
) -> None:
    per_country = Counter(country for _, country, _ in zones)
    names = {row[0]: row[1].encode() for row in _rows("iso3166.tab")}
    wanted = per_country.keys() | ISLANDS
    home.create("join-and-group", "zones", "countries")

    with home.pfs.transaction():
        home.put("zones@master", {"/" + "/".join(zone): b"" for zone in zones})
        home.put("countries@master", {f"/{code}": names[code] for code in wanted})
    jobs = home.run()

    n_zones, n_countries = len(zones), len(per_country)
    assert jobs == {
        "named": f"{n_zones} + 0 / {n_zones}",
        "without_zone": f"{n_zones + 2} + 0 / {n_zones + 2}",
        "per_country": f"{n_countries} + 0 / {n_countries}",
    }
    assert home.read("named@master") == {
        f"/{country}/{place}": names[country] for _, country, place in zones
    }
    assert home.read("without_zone@master").keys() == {f"/{code}" for code in ISLANDS}
    counted = home.read("per_country@master")
    assert {path.lstrip("/"): int(data) for path, data in counted.items()} == per_country

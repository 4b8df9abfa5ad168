"""The example docs/examples/join-and-group, on the time zones that tzdata ships."""

from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from pfs_provider import Pfs

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
SPECS = EXAMPLES / "join-and-group" / "pipelines.yaml"


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
    tmp_path: Path, zones: list[tuple[str, str, str]]
) -> None:
    with_zone = {country for _, country, _ in zones}
    names = {row[0]: row[1] for row in _rows("iso3166.tab")}
    # Two uninhabited islands have a code and no zone, here and in the table.
    names = {code: names[code] for code in names if code in with_zone | {"BV", "HM"}}
    with Pfs(home=tmp_path) as pfs:
        for repo in ("zones", "countries"):
            pfs.create_repo(repo)
        with pfs.commit("zones@master") as commit:
            for zone in zones:
                commit.put_file("/" + "/".join(zone), b"")
        with pfs.commit("countries@master") as commit:
            for code, name in names.items():
                commit.put_file(f"/{code}", name.encode())
        pfs.create_pipeline(SPECS)
        jobs = {job.pipeline: job for job in pfs.run()}
        named = {file.path for file in pfs.glob_files("named@master", "/**")}
        one = pfs.read_file("named@master:/AQ/Vostok")
        without = {file.path for file in pfs.list_files("without_zone@master:/")}
        counts = {
            file.path.lstrip("/"): int(pfs.read_file(f"per_country@master:{file.path}"))
            for file in pfs.list_files("per_country@master:/")
        }

    assert {name: job.state for name, job in jobs.items()} == dict.fromkeys(jobs, "success")
    assert named == {f"/{country}/{place}" for _, country, place in zones}
    assert bytes(one) == b"Antarctica"
    assert without == {"/BV", "/HM"}
    assert counts == Counter(country for _, country, _ in zones)
    assert jobs["named"].total == len(zones)
    assert jobs["without_zone"].total == len(zones) + 2
    assert jobs["per_country"].total == len(with_zone)

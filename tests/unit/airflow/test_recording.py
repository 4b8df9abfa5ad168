from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pfs_provider.airflow.hook import PfsHook
from pfs_provider.airflow.recording import RecordingPfs
from pfs_provider.pfs import Pfs


@dataclass
class Collector:
    """As Airflow's: what it was told."""

    told: list[tuple[str, str, str]] = field(default_factory=list)

    def add_input_asset(self, **facts: Any) -> None:
        self._add("in", facts)

    def add_output_asset(self, **facts: Any) -> None:
        self._add("out", facts)

    def _add(self, direction: str, facts: Any) -> None:
        uri, commit = facts["asset_kwargs"]["uri"], facts["asset_extra"]["commit"]
        self.told.append((direction, uri, commit))


@pytest.fixture
def collector() -> Collector:
    return Collector()


@pytest.fixture
def pfs(pfs_home: Path, collector: Collector) -> Iterator[RecordingPfs]:
    with Pfs(home=pfs_home) as plain:
        plain.create_repo("images")
        plain.put_file("images@master:/a", b"x")
    with RecordingPfs(PfsHook(), collector, home=pfs_home) as opened:
        yield opened


def test_what_is_read_is_told_once_for_a_branch(
    pfs: RecordingPfs, collector: Collector, tmp_path: Path
) -> None:
    commit = pfs.inspect_commit("images@master").id

    assert pfs.read_file("images@master:/a") == b"x"
    with pfs.open("pfs://images/master/a") as file:
        assert file.read() == b"x"
    pfs.get_file(f"images@{commit}:/a", tmp_path / "a")
    assert pfs.get_tree("images@master:/", tmp_path / "tree") == 1

    assert collector.told == [("in", "pfs://images/master", commit)]


@pytest.mark.parametrize("way", ["commit", "put_file", "put_tree", "delete_file", "copy_file"])
def test_what_is_written_is_told(
    pfs: RecordingPfs, collector: Collector, tmp_path: Path, way: str
) -> None:
    (tmp_path / "b").write_bytes(b"y")
    match way:
        case "commit":
            with pfs.commit("images@master") as made:
                made.put_file("/b", b"y")
        case "put_file":
            pfs.put_file("images@master:/b", b"y")
        case "put_tree":
            pfs.put_tree("images@master:/", tmp_path)
        case "delete_file":
            pfs.delete_file("images@master:/a")
        case "copy_file":
            pfs.copy_file("images@master:/a", "images@master:/b")

    commit = pfs.inspect_commit("images@master").id
    assert collector.told == [("out", "pfs://images/master", commit)]


def test_a_commit_that_did_not_land_is_not_told(pfs: RecordingPfs, collector: Collector) -> None:
    def fail() -> None:
        with pfs.commit("images@master") as made:
            made.put_file("/b", b"y")
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        fail()

    assert collector.told == []


def test_where_nobody_collects_a_plain_pfs_is_given(pfs_home: Path) -> None:
    with PfsHook().get_conn() as pfs:
        assert type(pfs) is Pfs

"""Commits that a transaction starts together and a user finishes one by one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider import Pfs

SPEC = {
    "pipeline": {"name": "both"},
    "transform": {"cmd": ["true"]},
    "input": {
        "cross": [
            {"pfs": {"repo": "data", "glob": "/"}},
            {"pfs": {"repo": "params", "glob": "/"}},
        ]
    },
}


@pytest.fixture
def pfs(tmp_path: Path) -> Iterator[Pfs]:
    with Pfs(home=tmp_path / "home") as opened:
        opened.create_repo("data")
        opened.create_repo("params")
        opened.put_file("data@master:/old", b"old")
        opened.put_file("params@master:/old", b"old")
        opened.create_pipeline(SPEC)
        yield opened


def start_both(pfs: Pfs) -> str:
    with pfs.transaction() as together:
        pfs.start_commit("data@master")
        pfs.start_commit("params@master")
    return together.id


def test_the_last_to_be_finished_makes_the_one_job(pfs: Pfs) -> None:
    before = len(pfs.list_jobs("both"))
    change = start_both(pfs)

    pfs.finish_commit("data@master")
    between = len(pfs.list_jobs("both"))
    pfs.finish_commit("params@master")

    jobs = pfs.list_jobs("both")
    assert between == before
    assert [job.id for job in jobs[: len(jobs) - before]] == [change]
    assert pfs.inspect_commit(f"both@{change}").provenance == (
        f"default/data@{change}",
        f"default/params@{change}",
    )


def test_one_that_is_given_up_keeps_the_other_from_nothing(pfs: Pfs) -> None:
    before = len(pfs.list_jobs("both"))
    change = start_both(pfs)
    pfs.finish_commit("data@master")

    pfs.delete_commit(f"params@{change}")

    jobs = pfs.list_jobs("both")
    assert [job.id for job in jobs[: len(jobs) - before]] == [change]


def test_a_pipeline_made_and_updated_in_one_transaction_has_its_last_version(pfs: Pfs) -> None:
    spec = {**SPEC, "pipeline": {"name": "new"}}

    with pfs.transaction():
        pfs.create_pipeline(spec)
        pfs.update_pipeline({**spec, "description": "again"})

    assert pfs.inspect_pipeline("new").version == 2

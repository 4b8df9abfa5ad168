from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from pfs_provider.airflow.lineage import find_lineage, note_commit, note_jobs
from pfs_provider.pfs import Pfs
from tests.unit.airflow.specs import spec


@pytest.fixture
def pfs(pfs_home: Path) -> Iterator[Pfs]:
    with Pfs(home=pfs_home) as opened:
        opened.create_repo("images")
        opened.create_pipeline(spec("copy", "images"))
        yield opened


def test_a_job_s_commits_are_what_it_read_and_what_it_made(pfs: Pfs) -> None:
    task = SimpleNamespace()
    commit = pfs.put_file("images@master:/a", b"x").id
    jobs = pfs.run("copy")

    note_jobs(task, pfs, jobs)

    lineage = find_lineage(task)
    assert lineage is not None
    assert [(c.repo, c.branch, c.id) for c in lineage.inputs] == [("images", "master", commit)]
    assert [(c.repo, c.branch, c.id) for c in lineage.outputs] == [("copy", "master", commit)]
    assert lineage.jobs == tuple(jobs)


def test_the_commit_of_a_job_that_failed_is_no_output(pfs: Pfs) -> None:
    task = SimpleNamespace()
    commit = pfs.put_file("images@master:/a", b"x").id
    job = pfs.stop_job(f"copy@{commit}")

    note_jobs(task, pfs, [job])

    lineage = find_lineage(task)
    assert lineage is not None
    assert lineage.outputs == ()
    assert [c.repo for c in lineage.inputs] == ["images"]


def test_a_commit_s_provenance_is_what_went_in(pfs: Pfs) -> None:
    task = SimpleNamespace()
    pfs.create_repo("model")
    source = pfs.put_file("images@master:/a", b"x").id
    with pfs.commit("model@master", provenance=["images@master"]) as made:
        made.put_file("/m", b"m")

    note_commit(task, pfs, f"model@{made.id}", provenance=["images@master"])

    lineage = find_lineage(task)
    assert lineage is not None
    assert [c.id for c in lineage.inputs] == [source]
    assert [c.id for c in lineage.outputs] == [made.id]


def test_what_is_gone_meanwhile_fails_nothing(pfs: Pfs) -> None:
    task = SimpleNamespace()

    note_commit(task, pfs, "images@" + "f" * 32)

    assert find_lineage(task) is None

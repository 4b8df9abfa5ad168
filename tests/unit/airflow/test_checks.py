from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.airflow.checks import find_commit, find_ended_job
from pfs_provider.errors import FailedError
from pfs_provider.pfs import Pfs

NOBODY = "0" * 32


@pytest.fixture
def pfs(pfs_home: Path) -> Iterator[Pfs]:
    with Pfs(home=pfs_home) as opened:
        opened.create_repo("images")
        opened.create_pipeline(copy_spec())
        yield opened


def copy_spec(command: str = "cp -r /pfs/images/. /pfs/out/") -> dict[str, object]:
    return {
        "pipeline": {"name": "copy"},
        "transform": {"cmd": ["sh", "-c", command]},
        "input": {"pfs": {"repo": "images", "glob": "/*"}},
    }


def _put(pfs: Pfs, name: str = "a") -> str:
    with pfs.commit("images@master") as commit:
        commit.put_file(f"/{name}", b"x")
    return commit.id


@pytest.mark.parametrize("ref", ["nothing@master", "images@v9", f"images@{NOBODY}"])
def test_what_does_not_exist_yet_is_waited_for(pfs: Pfs, ref: str) -> None:
    assert find_commit(pfs, ref) is None


def test_a_finished_commit_is_found_by_branch_and_by_id(pfs: Pfs) -> None:
    commit = _put(pfs)

    for ref in ("images@master", f"images@{commit}"):
        found = find_commit(pfs, ref)
        assert found is not None
        assert found.id == commit


def test_an_open_output_commit_is_waited_for(pfs: Pfs) -> None:
    _put(pfs)

    assert find_commit(pfs, "copy@master") is None


def test_after_a_commit_the_next_one_is_waited_for(pfs: Pfs) -> None:
    first = _put(pfs)
    assert find_commit(pfs, "images@master", after=first) is None

    second = _put(pfs, "b")

    found = find_commit(pfs, "images@master", after=first)
    assert found is not None
    assert found.id == second


def test_a_job_that_ended_otherwise_is_an_error_with_its_reason(pfs: Pfs) -> None:
    job = _put(pfs)
    assert find_ended_job(pfs, f"copy@{job}") is None
    assert find_ended_job(pfs, f"copy@{NOBODY}") is None

    pfs.stop_job(f"copy@{job}")

    with pytest.raises(FailedError, match=rf"copy@{job} ended as killed"):
        find_ended_job(pfs, f"copy@{job}")
    with pytest.raises(FailedError, match="ended with an error"):
        find_commit(pfs, f"copy@{job}")
    assert find_commit(pfs, "copy@master") is None

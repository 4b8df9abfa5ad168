from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from pfs_provider.airflow.operators.commit import PfsCommitOperator
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import task_context


@pytest.fixture(autouse=True)
def two_repos(pfs_home: Path) -> None:
    with Pfs(home=pfs_home) as pfs:
        pfs.create_repo("features")
        pfs.create_repo("model")
        pfs.put_file("features@master:/x", b"1")


def _write(commit: Any) -> None:
    commit.put_file("/weights", b"0.5")


def test_what_the_function_puts_is_one_commit_with_provenance(pfs_home: Path) -> None:
    context = task_context()

    commit = PfsCommitOperator(
        task_id="train", branch="model@master", write=_write, provenance=["features@master"]
    ).execute(context)

    with Pfs(home=pfs_home) as pfs:
        assert pfs.inspect_commit("model@master").id == commit
        assert [found.repo for found in pfs.provenance("model@master")] == ["features"]
        assert pfs.read_file("model@master:/weights") == b"0.5"
    assert context["ti"].pushed == {"pfs_commit": f"model@{commit}"}


def test_a_function_that_fails_leaves_nothing(pfs_home: Path) -> None:
    def fail(commit: Any) -> None:
        commit.put_file("/weights", b"half")
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        PfsCommitOperator(task_id="train", branch="model@master", write=fail).execute(
            task_context()
        )

    with Pfs(home=pfs_home) as pfs:
        assert list(pfs.list_commits("model")) == []


def test_a_malformed_branch_fails_for_good() -> None:
    with pytest.raises(AirflowFailException, match="address-illegal"):
        PfsCommitOperator(task_id="train", branch="model", write=_write).execute(task_context())

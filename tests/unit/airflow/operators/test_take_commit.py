from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from pfs_provider.airflow.operators.take_commit import PfsTakeCommitOperator
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import AssetState, DagRun, TaskInstance, task_context


@pytest.fixture
def commit(pfs_home: Path) -> str:
    with Pfs(home=pfs_home) as pfs:
        pfs.create_repo("images")
        return pfs.put_file("images@master:/a", b"x").id


@pytest.fixture
def state() -> AssetState:
    return AssetState()


def _take(
    commit: str | None, state: AssetState, run: str = "b", *, dag: str = "dag", **more: Any
) -> str:
    ti = TaskInstance(dag_id=dag, run_id=run, runs=more.pop("runs", {}))
    context = task_context(ti=ti, dag_run=DagRun(commit, **more), asset_state_store=state)
    return PfsTakeCommitOperator(task_id="commit", repo="images").execute(context)


def test_the_commit_of_the_run_is_the_result(commit: str, state: AssetState) -> None:
    assert _take(commit, state) == f"images@{commit}"


def test_a_run_by_hand_without_a_key_takes_the_head(commit: str, state: AssetState) -> None:
    assert _take(None, state, run_type="manual") == f"images@{commit}"


@pytest.mark.parametrize("before", ["success", "running", "queued"])
def test_a_commit_that_another_run_took_is_skipped(
    commit: str, state: AssetState, before: str
) -> None:
    _take(commit, state, "a")

    with pytest.raises(AirflowSkipException, match="the run a"):
        _take(commit, state, "b", runs={"a": before})


@pytest.mark.parametrize("runs", [{"a": "failed"}, {}], ids=["failed", "deleted"])
def test_after_a_run_that_failed_or_is_gone_the_next_goes_on(
    commit: str, state: AssetState, runs: dict[str, str]
) -> None:
    _take(commit, state, "a")

    assert _take(commit, state, "b", runs=runs) == f"images@{commit}"
    with pytest.raises(AirflowSkipException, match="the run b"):
        _take(commit, state, "c", runs=runs | {"b": "success"})


def test_a_retry_and_another_dag_and_a_run_by_hand_go_on(commit: str, state: AssetState) -> None:
    _take(commit, state, "a")
    runs = {"a": "running"}

    assert _take(commit, state, "a", runs=runs) == f"images@{commit}"
    assert _take(commit, state, "b", runs=runs, dag="other") == f"images@{commit}"
    assert _take(commit, state, "c", runs=runs, run_type="manual") == f"images@{commit}"


def test_a_commit_that_is_not_there_is_an_error_that_a_retry_may_mend(state: AssetState) -> None:
    with pytest.raises(AirflowException, match="not-found"):
        _take("f" * 32, state)

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from pfs_provider.airflow.operators import take_commit
from pfs_provider.airflow.operators.take_commit import PfsTakeCommitOperator
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import AssetEvent, DagRun, Events, task_context


@pytest.fixture
def commit(pfs_home: Path) -> str:
    with Pfs(home=pfs_home) as pfs:
        pfs.create_repo("images")
        return pfs.put_file("images@master:/a", b"x").id


def _take(run: DagRun, *others: DagRun, key: str | None = None) -> str:
    made = [other for other in (run, *others) if other.run_id != "manual"]
    events = Events([AssetEvent(1, key or run.partition_key, {}, datetime.now(UTC), made)])
    return PfsTakeCommitOperator(task_id="commit", repo="images").execute(
        task_context(events, dag_run=run)
    )


def _run(commit: str | None, run_id: str = "b", state: str = "running", **more: Any) -> DagRun:
    return DagRun(run_id=run_id, partition_key=commit, state=state, **more)


def test_the_commit_of_the_run_is_the_result(commit: str) -> None:
    assert _take(_run(commit)) == f"images@{commit}"


def test_a_run_by_hand_without_a_key_takes_the_head(commit: str) -> None:
    assert _take(_run(None, "manual")) == f"images@{commit}"


@pytest.mark.parametrize(
    ("run_id", "state", "goes_on"),
    [
        pytest.param("a", "success", False, id="done before"),
        pytest.param("c", "success", False, id="done by a later run that was quicker"),
        pytest.param("a", "running", False, id="an earlier run is at it"),
        pytest.param("a", "queued", False, id="an earlier run will do it"),
        pytest.param("c", "running", True, id="the later run is the one that gives way"),
        pytest.param("a", "failed", True, id="an earlier run failed"),
    ],
)
def test_of_two_runs_for_a_commit_one_goes_on(
    commit: str, run_id: str, state: str, goes_on: bool
) -> None:
    if goes_on:
        assert _take(_run(commit), _run(commit, run_id, state)) == f"images@{commit}"
    else:
        with pytest.raises(AirflowSkipException, match=f"the run {run_id}"):
            _take(_run(commit), _run(commit, run_id, state))


def test_runs_of_other_dags_and_for_other_commits_do_not_count(commit: str) -> None:
    other_dag = _run(commit, "a", "success", dag_id="other")

    assert _take(_run(commit), other_dag) == f"images@{commit}"
    assert _take(_run(commit), _run(commit, "a", "success"), key="0" * 32) == f"images@{commit}"


def test_a_run_started_by_hand_goes_on_whatever_was_done(commit: str) -> None:
    assert _take(_run(commit, "manual"), _run(commit, "a", "success")) == f"images@{commit}"


def test_many_announcements_are_read_page_by_page(
    commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(take_commit, "PAGE", 2)
    now = datetime.now(UTC)
    done = [_run(commit, "a", "success"), _run(commit)]
    others = [AssetEvent(number, "0" * 32, {}, now) for number in range(5)]
    events = Events([*others, AssetEvent(9, commit, {}, datetime.now(UTC), done)])
    context = task_context(events, dag_run=_run(commit))

    with pytest.raises(AirflowSkipException):
        PfsTakeCommitOperator(task_id="commit", repo="images").execute(context)


def test_a_commit_that_is_not_there_is_an_error_that_a_retry_may_mend(commit: str) -> None:
    with pytest.raises(AirflowException, match="not-found"):
        _take(_run("f" * 32))

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from pfs_provider.airflow.news import TAKEN_KEY
from pfs_provider.airflow.operators import dispatch
from pfs_provider.airflow.operators.dispatch import ANNOUNCED_KEY, PfsDispatchOperator
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import AssetState, TaskInstance, task_context


@pytest.fixture
def pfs(pfs_home: Path) -> Iterator[Pfs]:
    with Pfs(home=pfs_home) as opened:
        opened.create_repo("images")
        yield opened


@dataclass
class Airflow:
    """What Airflow keeps of the runs of a dispatcher."""

    state: AssetState = field(default_factory=AssetState)
    runs: dict[str, str] = field(default_factory=dict)
    n_runs: int = 0

    def try_once(self, run: str, **arguments: Any) -> list[str]:
        """Run the task and return what it is about to announce."""
        context = task_context(
            ti=TaskInstance(run_id=run, runs=self.runs), asset_state_store=self.state
        )
        operator = PfsDispatchOperator(task_id="dispatch", repo="images", **arguments)
        try:
            operator.execute(context)
        except AirflowSkipException:
            return []
        keys: list[str] = context["outlet_events"].partition_keys
        return keys

    def run(self, **arguments: Any) -> list[str]:
        """Run the task to its success."""
        self.n_runs += 1
        run = f"run{self.n_runs}"
        keys = self.try_once(run, **arguments)
        self.runs[run] = "success" if keys else "skipped"
        return keys


@pytest.fixture
def airflow() -> Airflow:
    return Airflow()


def _put(pfs: Pfs, *names: str) -> list[str]:
    return [pfs.put_file(f"images@master:/{name}", b"x").id for name in names]


def test_the_first_time_it_announces_the_head_and_then_what_lands(
    pfs: Pfs, airflow: Airflow
) -> None:
    _, head = _put(pfs, "old", "head")
    assert airflow.run() == [head]

    new = _put(pfs, "a", "b", "c")

    assert airflow.run() == new
    assert airflow.run() == []


def test_with_history_it_begins_with_the_oldest_commit(pfs: Pfs, airflow: Airflow) -> None:
    commits = _put(pfs, "a", "b", "c")

    assert airflow.run(history=True) == commits


@pytest.mark.parametrize("end", ["retried", "failed"])
def test_what_was_not_announced_because_the_task_died_is_announced_once(
    pfs: Pfs, airflow: Airflow, end: str
) -> None:
    _put(pfs, "begin")
    airflow.run()
    commits = _put(pfs, "a", "b")

    assert airflow.try_once("killed") == commits
    if end == "retried":
        assert airflow.try_once("killed") == commits
        airflow.runs["killed"] = "success"
    else:
        airflow.runs["killed"] = "failed"
        assert airflow.run() == commits

    assert airflow.run() == []


def test_a_run_that_airflow_has_forgotten_had_announced(pfs: Pfs, airflow: Airflow) -> None:
    _put(pfs, "a")
    airflow.run()

    airflow.runs.clear()

    assert airflow.run() == []


def test_a_long_history_is_announced_in_pieces_without_a_gap(
    pfs: Pfs, airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "MAX_PARTITIONS", 2)
    monkeypatch.setattr("pfs_provider.airflow.landings.PAGE", 3)
    commits = _put(pfs, *"abcdefg")

    pieces: list[list[str]] = []
    while piece := airflow.run(history=True):
        pieces.append(piece)
        assert (
            airflow.state.values[TAKEN_KEY] == piece[-1]
        )  # the trigger announces a head that lags

    assert [commit for piece in pieces for commit in piece] == commits
    assert len(pieces) > 1


def test_without_a_commit_it_is_skipped_and_remembers_how_far_it_looked(
    pfs: Pfs, airflow: Airflow
) -> None:
    assert airflow.run() == []

    assert airflow.state.values[ANNOUNCED_KEY]["event"] == pfs.last_event_number()
    assert _put(pfs, "a") == airflow.run()


def test_a_branch_moved_back_does_not_announce_its_old_commits_again(
    pfs: Pfs, airflow: Airflow
) -> None:
    commits = _put(pfs, "a", "b")
    airflow.run(history=True)

    pfs.create_branch("images@master", head=f"images@{commits[0]}")

    assert airflow.run() == []


def test_a_squashed_commit_is_not_announced(pfs: Pfs, airflow: Airflow) -> None:
    first, second = _put(pfs, "a", "b")
    pfs.squash_commit(first)

    assert airflow.run(history=True) == [second]


def test_a_branch_moved_to_and_fro_announces_each_commit_once(pfs: Pfs, airflow: Airflow) -> None:
    old, new = (pfs.put_file("images@raw:/x", text).id for text in (b"1", b"2"))
    heads = [old, new, old, new]
    announced = []
    for head in heads:
        pfs.create_branch("images@master", head=f"images@{head}")
        announced += airflow.run()

    assert announced == [old, new]


def test_in_another_catalog_it_begins_anew(pfs: Pfs, airflow: Airflow) -> None:
    commits = _put(pfs, "a")
    airflow.state.values[ANNOUNCED_KEY] = {"event": 10**9, "moved": []}

    assert airflow.run() == commits


def test_chosen_commits_are_announced_again_and_move_no_cursor(pfs: Pfs, airflow: Airflow) -> None:
    commits = _put(pfs, "a", "b", "c", "d")
    airflow.run(history=True)
    new = _put(pfs, "e")

    assert airflow.run(since=commits[1], until=commits[2]) == commits[1:3]
    assert airflow.run(until=commits[0]) == commits[:1]
    assert airflow.run() == new


def test_a_commit_that_is_not_there_is_named(pfs: Pfs, airflow: Airflow) -> None:
    _put(pfs, "a")

    with pytest.raises(AirflowException, match="f" * 32):
        airflow.run(since="f" * 32)

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from pfs_provider.airflow.news import TAKEN_KEY
from pfs_provider.airflow.operators import dispatch
from pfs_provider.airflow.operators.dispatch import CURSOR_KEY, PfsDispatchOperator
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import AssetState, Events, task_context


@pytest.fixture
def pfs(pfs_home: Path) -> Iterator[Pfs]:
    with Pfs(home=pfs_home) as opened:
        opened.create_repo("images")
        yield opened


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def state() -> AssetState:
    return AssetState()


def _put(pfs: Pfs, *names: str) -> list[str]:
    return [pfs.put_file(f"images@master:/{name}", b"x").id for name in names]


def _run(events: Events, state: AssetState, **arguments: Any) -> list[str]:
    """Run the task to its success and return what it announced."""
    operator = PfsDispatchOperator(task_id="dispatch", repo="images", **arguments)
    try:
        operator.execute(task_context(events, asset_state_store=state))
    except AirflowSkipException:
        return []
    return events.store()


def test_the_first_time_it_announces_the_head_and_then_what_lands(
    pfs: Pfs, events: Events, state: AssetState
) -> None:
    _, head = _put(pfs, "old", "head")
    assert _run(events, state) == [head]

    new = _put(pfs, "a", "b", "c")

    assert _run(events, state) == new
    assert _run(events, state) == []


def test_with_history_it_begins_with_the_oldest_commit(
    pfs: Pfs, events: Events, state: AssetState
) -> None:
    commits = _put(pfs, "a", "b", "c")

    assert _run(events, state, history=True) == commits


def test_what_was_announced_by_a_try_that_did_not_succeed_is_announced_again_and_once(
    pfs: Pfs, events: Events, state: AssetState
) -> None:
    _put(pfs, "begin")
    _run(events, state)
    commits = _put(pfs, "a", "b")
    killed = task_context(Events(list(events.kept)), asset_state_store=state)

    PfsDispatchOperator(task_id="dispatch", repo="images").execute(killed)

    assert _run(events, state) == commits
    assert _run(events, state) == []


def test_a_long_history_is_announced_in_pieces_without_a_gap(
    pfs: Pfs, events: Events, state: AssetState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "MAX_PARTITIONS", 2)
    monkeypatch.setattr("pfs_provider.airflow.landings.PAGE", 3)
    commits = _put(pfs, *"abcdefg")

    pieces: list[list[str]] = []
    while piece := _run(events, state, history=True):
        pieces.append(piece)
        assert state.values[TAKEN_KEY] == piece[-1]  # the trigger announces a head that lags

    assert [commit for piece in pieces for commit in piece] == commits
    assert len(pieces) > 1


def test_without_a_commit_it_is_skipped_and_remembers_how_far_it_looked(
    pfs: Pfs, events: Events, state: AssetState
) -> None:
    assert _run(events, state) == []

    assert state.values[CURSOR_KEY] == pfs.last_event_number()
    assert _put(pfs, "a") == _run(events, state)


def test_a_branch_moved_back_does_not_announce_its_old_commits_again(
    pfs: Pfs, events: Events, state: AssetState
) -> None:
    commits = _put(pfs, "a", "b")
    _run(events, state, history=True)

    pfs.create_branch("images@master", head=f"images@{commits[0]}")

    assert _run(events, state) == []


def test_a_squashed_commit_is_not_announced(pfs: Pfs, events: Events, state: AssetState) -> None:
    first, second = _put(pfs, "a", "b")
    pfs.squash_commit(first)

    assert _run(events, state, history=True) == [second]


def test_airflow_may_forget_its_events_after_a_quiet_time(
    pfs: Pfs, events: Events, state: AssetState
) -> None:
    _put(pfs, "a")
    _run(events, state)
    _run(events, state)  # nothing new: the cursor is noted beside the events, too

    events.kept.clear()

    assert _put(pfs, "b") == _run(events, state)


def test_events_that_a_person_makes_do_not_hide_where_it_stopped(
    pfs: Pfs, events: Events, state: AssetState
) -> None:
    _put(pfs, "a")
    _run(events, state)
    events.outlet.add_partitions(["by-hand"])
    events.store()

    assert _put(pfs, "b") == _run(events, state)


def test_in_another_catalog_it_begins_anew(pfs: Pfs, events: Events, state: AssetState) -> None:
    commits = _put(pfs, "a")
    state.values[CURSOR_KEY] = 10**9

    assert _run(events, state) == commits


def test_chosen_commits_are_announced_again_and_move_no_cursor(
    pfs: Pfs, events: Events, state: AssetState
) -> None:
    commits = _put(pfs, "a", "b", "c", "d")
    _run(events, state, history=True)
    new = _put(pfs, "e")

    assert _run(events, state, since=commits[1], until=commits[2]) == commits[1:3]
    assert _run(events, state, until=commits[0]) == commits[:1]
    assert _run(events, state) == new


def test_a_commit_that_is_not_there_is_named(pfs: Pfs, events: Events, state: AssetState) -> None:
    _put(pfs, "a")

    with pytest.raises(AirflowException, match="f" * 32):
        _run(events, state, since="f" * 32)

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from airflow.triggers.shared_stream import SharedStreamManager

from pfs_provider.airflow.news import TAKEN_KEY
from pfs_provider.airflow.triggers import commits
from pfs_provider.airflow.triggers.commits import CURSOR_KEY, CommitTrigger
from pfs_provider.airflow.triggers.log import EventLog
from pfs_provider.errors import ErrorCode, UnavailableError
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import AssetState

PATIENCE_S = 15.0


@pytest.fixture
def pfs(pfs_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pfs]:
    monkeypatch.setattr(commits, "GAP_S", 0.0)
    with Pfs(home=pfs_home) as opened:
        opened.create_repo("images")
        opened.create_repo("labels")
        yield opened


def _trigger(repo: str = "images", state: AssetState | None = None) -> CommitTrigger:
    trigger = CommitTrigger(repo=repo, poll_s=0.02)
    trigger.asset_state_store = state if state is not None else AssetState()  # type: ignore[assignment]
    return trigger


def _put(pfs: Pfs, name: str, repo: str = "images") -> str:
    return pfs.put_file(f"{repo}@master:/{name}", b"x").id


@dataclass
class Triggerer:
    """What Airflow's triggerer does with event triggers: its own stream manager, its own order."""

    manager: SharedStreamManager = field(default_factory=SharedStreamManager)
    events: list[tuple[str, dict[str, Any], int | None]] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, trigger: CommitTrigger) -> None:
        self.tasks.append(asyncio.create_task(self._run(len(self.tasks), trigger)))

    async def wait_for(self, n_events: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.events) < n_events:  # noqa: ASYNC110 - as a triggerer looks
                await asyncio.sleep(0.01)
        return [payload for _, payload, _ in self.events]

    def confirm(self) -> None:
        """Tell that all events so far are in Airflow's database."""
        self.manager.confirm_persisted([seq for _, _, seq in self.events if seq is not None])

    async def kill(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.manager.stop_all()

    async def _run(self, number: int, trigger: CommitTrigger) -> None:
        key = trigger.shared_stream_key()
        stream = self.manager.subscribe(trigger_id=number, trigger=trigger, key=key)
        async for event in trigger.filter_shared_stream(stream):
            seq = self.manager.bind_pending_event(trigger_id=number, key=key)
            self.events.append((trigger.key.repo.name, event.payload, seq))


def _play(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 4 * PATIENCE_S))


async def _cursor(state: AssetState) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        while CURSOR_KEY not in state.values:  # noqa: ASYNC110 - a dict tells nobody
            await asyncio.sleep(0.01)
    return state.values[CURSOR_KEY]


def test_the_head_there_is_is_announced_first_and_then_what_lands(pfs: Pfs) -> None:
    old = _put(pfs, "old")

    async def story() -> None:
        triggerer = Triggerer()
        triggerer.start(_trigger())
        (first,) = await triggerer.wait_for(1)
        new = _put(pfs, "new")
        *_, last = await triggerer.wait_for(2)
        await triggerer.kill()

        assert first == {
            "project": "default", "repo": "images", "branch": "master", "head": old,
            "commits": [old], "n_commits": 1, "reminder": False,
        }  # fmt: skip
        assert last["commits"] == [new]

    _play(story())


def test_a_repo_that_does_not_exist_yet_is_watched(pfs: Pfs) -> None:
    async def story() -> None:
        triggerer = Triggerer()
        triggerer.start(_trigger("later"))
        await asyncio.sleep(0.2)
        pfs.create_repo("later")
        commit = _put(pfs, "a", "later")
        (event,) = await triggerer.wait_for(1)
        await triggerer.kill()

        assert event["head"] == commit

    _play(story())


def test_the_cursor_moves_only_when_airflow_has_the_event(pfs: Pfs) -> None:
    commit = _put(pfs, "a")
    state = AssetState()

    async def story() -> None:
        triggerer = Triggerer()
        triggerer.start(_trigger(state=state))
        await triggerer.wait_for(1)
        await asyncio.sleep(0.3)
        assert CURSOR_KEY not in state.values

        triggerer.confirm()

        cursor = await _cursor(state)
        await triggerer.kill()
        assert cursor["head"] == commit
        assert cursor["event"] <= pfs.last_event_number()

    _play(story())


def test_what_a_dead_triggerer_had_not_confirmed_is_announced_again(pfs: Pfs) -> None:
    state = AssetState()

    async def story() -> None:
        _put(pfs, "a")
        first = Triggerer()
        first.start(_trigger(state=state))
        await first.wait_for(1)
        first.confirm()
        await _cursor(state)
        lost = _put(pfs, "b")
        await first.wait_for(2)  # yielded, but the triggerer dies before Airflow has stored it
        await first.kill()
        missed = _put(pfs, "c")

        second = Triggerer()
        second.start(_trigger(state=state))
        (event,) = await second.wait_for(1)
        await second.kill()

        assert event["commits"] == [lost, missed]

    _play(story())


def test_a_new_triggerer_announces_nothing_twice_that_was_confirmed(pfs: Pfs) -> None:
    state = AssetState()
    _put(pfs, "a")

    async def story() -> None:
        first = Triggerer()
        first.start(_trigger(state=state))
        await first.wait_for(1)
        first.confirm()
        await _cursor(state)
        await first.kill()

        second = Triggerer()
        second.start(_trigger(state=state))
        await asyncio.sleep(0.3)
        await second.kill()

        assert second.events == []

    _play(story())


def test_one_poll_serves_all_assets_and_each_hears_its_own(pfs: Pfs) -> None:
    async def story() -> None:
        triggerer = Triggerer()
        for repo in ("images", "labels"):
            triggerer.start(_trigger(repo))
        await asyncio.sleep(0.2)
        image, label = _put(pfs, "a"), _put(pfs, "b", "labels")
        await triggerer.wait_for(2)
        n_polls = len(triggerer.manager._groups)
        await triggerer.kill()

        assert n_polls == 1
        heads = {repo: payload["head"] for repo, payload, _ in triggerer.events}
        assert heads == {"images": image, "labels": label}

    _play(story())


def test_twenty_five_assets_share_one_poll_and_each_hears_its_own(
    pfs: Pfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    repos = [f"repo{number}" for number in range(25)]
    for repo in repos:
        pfs.create_repo(repo)
    reads: list[int] = []
    read = EventLog.read

    async def count(self: EventLog, after: int) -> Any:
        reads.append(after)
        return await read(self, after)

    monkeypatch.setattr(EventLog, "read", count)

    async def story() -> None:
        triggerer = Triggerer()
        for repo in repos:
            triggerer.start(_trigger(repo))
        await asyncio.sleep(0.5)
        n_before = len(reads)
        await asyncio.sleep(1.0)
        n_reads = len(reads) - n_before
        commits = {repo: _put(pfs, "a", repo) for repo in repos}
        await triggerer.wait_for(25)
        await triggerer.kill()

        assert {repo: payload["head"] for repo, payload, _ in triggerer.events} == commits
        assert n_reads <= 50  # one for all each 0.02 s, not one for each

    _play(story())


def test_a_catalog_that_is_away_for_a_while_loses_and_repeats_nothing(
    pfs: Pfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "TROUBLE_S", 0.05)
    first = _put(pfs, "a")
    list_events = Pfs.list_events

    def fail(self: Pfs, **arguments: Any) -> Any:
        raise UnavailableError(ErrorCode.CATALOG_UNAVAILABLE, "it is being restarted")

    async def story() -> None:
        triggerer = Triggerer()
        triggerer.start(_trigger())
        await triggerer.wait_for(1)
        triggerer.confirm()
        monkeypatch.setattr(Pfs, "list_events", fail)
        await asyncio.sleep(0.3)
        missed = [_put(pfs, name) for name in "bc"]
        await asyncio.sleep(0.3)
        monkeypatch.setattr(Pfs, "list_events", list_events)
        await triggerer.wait_for(2)
        await asyncio.sleep(0.3)
        await triggerer.kill()

        told = [commit for _, payload, _ in triggerer.events for commit in payload["commits"]]
        assert told == [first, *missed]

    _play(story())


def test_a_cursor_of_another_catalog_does_not_silence_the_asset(pfs: Pfs) -> None:
    commit = _put(pfs, "a")
    state = AssetState({CURSOR_KEY: {"event": 10**9, "head": "f" * 32}})

    async def story() -> None:
        triggerer = Triggerer()
        triggerer.start(_trigger(state=state))
        (event,) = await triggerer.wait_for(1)
        await triggerer.kill()

        assert event["head"] == commit

    _play(story())


def test_a_head_that_no_consumer_took_up_is_announced_again(
    pfs: Pfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "REMIND_S", 0.1)
    first = _put(pfs, "a")
    state = AssetState({TAKEN_KEY: first})

    async def story() -> None:
        triggerer = Triggerer()
        triggerer.start(_trigger(state=state))
        await triggerer.wait_for(1)
        second = _put(pfs, "b")
        await triggerer.wait_for(2)
        triggerer.confirm()
        *_, reminder = await triggerer.wait_for(3)
        state.values[TAKEN_KEY] = second
        triggerer.confirm()
        n_events = len(triggerer.events)
        await asyncio.sleep(1.0)
        await triggerer.kill()

        assert reminder["reminder"]
        assert reminder["head"] == second
        assert len(triggerer.events) <= n_events + 1  # one may have been on its way

    _play(story())


def test_without_a_triggerer_it_watches_alone(pfs: Pfs) -> None:
    commit = _put(pfs, "a")

    async def story() -> None:
        trigger = CommitTrigger(repo="images", poll_s=0.02)
        stream = trigger.run()
        event = await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]

        assert event.payload["head"] == commit

    _play(story())


def test_it_is_built_again_from_what_it_tells() -> None:
    trigger = CommitTrigger(repo="images", branch="v1", project="lab", pfs_conn_id="c", poll_s=2.0)

    path, kwargs = trigger.serialize()

    assert path == "pfs_provider.airflow.triggers.commits.CommitTrigger"
    assert CommitTrigger(**kwargs).serialize() == (path, kwargs)

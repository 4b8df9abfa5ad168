import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pfs_provider.airflow.triggers.log import EventLog, branch_moves
from pfs_provider.errors import PfsError
from pfs_provider.pfs import Pfs
from pfs_provider.refs.addresses import parse_branch
from tests.unit.airflow.test_checks import copy_spec

IMAGES = parse_branch("images@master")

T = TypeVar("T")


@pytest.fixture
def pfs(pfs_home: Path) -> Iterator[Pfs]:
    with Pfs(home=pfs_home) as opened:
        opened.create_repo("images")
        yield opened


def _ask(question: Callable[[EventLog], Awaitable[T]]) -> T:
    async def story() -> T:
        log = EventLog("pfs_default")
        try:
            return await question(log)
        finally:
            await log.close()

    return asyncio.run(story())


def _put(pfs: Pfs, name: str = "a") -> str:
    return pfs.put_file(f"images@master:/{name}", b"x").id


def test_a_commit_that_lands_is_told_as_finished(pfs: Pfs) -> None:
    commit = _put(pfs)

    assert branch_moves(pfs.list_events(), IMAGES) == [(commit, True)]
    assert branch_moves(pfs.list_events(), parse_branch("images@v1")) == []
    assert branch_moves(pfs.list_events(), parse_branch("lab/images@master")) == []


def test_an_output_commit_is_told_when_it_is_finished_not_when_it_is_opened(pfs: Pfs) -> None:
    pfs.create_pipeline(copy_spec())
    commit = _put(pfs)
    output = parse_branch("copy@master")

    assert branch_moves(pfs.list_events(), output) == [(commit, False)]
    assert _ask(lambda log: log.landed(pfs.list_events(), output)) == []

    pfs.run("copy")

    assert branch_moves(pfs.list_events(), output) == [(commit, True)]


def test_an_errored_commit_is_not_told(pfs: Pfs) -> None:
    pfs.create_pipeline(copy_spec())
    pfs.stop_job(f"copy@{_put(pfs)}")

    assert branch_moves(pfs.list_events(), parse_branch("copy@master")) == []


def test_a_branch_moved_by_hand_is_told(pfs: Pfs) -> None:
    first, _ = _put(pfs), _put(pfs, "b")
    number = pfs.last_event_number()
    pfs.create_branch("images@master", head=f"images@{first}")

    events = pfs.list_events(after=number)

    assert _ask(lambda log: log.landed(events, IMAGES)) == [first]


def test_what_was_missed_is_read_between_two_numbers(pfs: Pfs) -> None:
    _put(pfs)
    after = pfs.last_event_number()
    missed = [_put(pfs, "b"), _put(pfs, "c")]
    stop = pfs.last_event_number()
    _put(pfs, "d")

    found = _ask(lambda log: log.list_landed(IMAGES, after=after, stop=stop))

    assert found == missed


def test_the_log_and_the_head_are_read(pfs: Pfs) -> None:
    assert _ask(lambda log: log.find_head(IMAGES)) is None
    assert _ask(lambda log: log.find_head(parse_branch("nothing@master"))) is None

    commit = _put(pfs)

    assert _ask(lambda log: log.find_head(IMAGES)) == commit
    assert _ask(lambda log: log.last_number()) == pfs.last_event_number()
    assert [event.number for event in _ask(lambda log: log.read(0))] == list(
        range(1, pfs.last_event_number() + 1)
    )


def test_after_a_failure_it_is_opened_anew_with_the_connection_as_it_is_then(
    pfs: Pfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = pfs.last_event_number()

    async def story(log: EventLog) -> Any:
        monkeypatch.setenv("AIRFLOW_CONN_ODD", '{"conn_type": "pfs", "extra": {"catalog": "x"}}')
        with pytest.raises(PfsError):
            await log.last_number()
        home = pfs._engine.settings.home_folder
        monkeypatch.setenv(
            "AIRFLOW_CONN_ODD", f'{{"conn_type": "pfs", "extra": {{"home": "{home}"}}}}'
        )
        return await log.last_number()

    async def all_of_it() -> Any:
        log = EventLog("odd")
        try:
            return await story(log)
        finally:
            await log.close()

    assert asyncio.run(all_of_it()) == good

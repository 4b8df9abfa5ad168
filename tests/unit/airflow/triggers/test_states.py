import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowNotFoundException

from pfs_provider.airflow.triggers import log
from pfs_provider.airflow.triggers.states import CommitStateTrigger, JobStateTrigger
from pfs_provider.pfs import Pfs
from tests.unit.airflow.test_checks import copy_spec


async def _first(trigger: CommitStateTrigger | JobStateTrigger) -> Any:
    events = [event async for event in trigger.run()]  # to its end, as the triggerer does
    return events[0].payload if events else None


def _commit_trigger(ref: str, **kwargs: Any) -> CommitStateTrigger:
    arguments: dict[str, Any] = {"pfs_conn_id": "pfs_default", "poll_s": 0.01}
    return CommitStateTrigger(ref=ref, **arguments | kwargs)


def test_it_fires_once_the_commit_is_there(pfs_home: Path) -> None:
    async def story() -> tuple[Any, str]:
        waiting = asyncio.create_task(_first(_commit_trigger("images@master")))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        with Pfs(home=pfs_home) as pfs:
            pfs.create_repo("images")
            commit = pfs.put_file("images@master:/a", b"x").id
        return await asyncio.wait_for(waiting, 10), commit

    payload, commit = asyncio.run(story())

    assert payload == {"id": commit}


def test_a_job_that_failed_is_told_as_an_error(pfs_home: Path) -> None:
    with Pfs(home=pfs_home) as pfs:
        pfs.create_repo("images")
        pfs.create_pipeline(copy_spec())
        job = f"copy@{pfs.put_file('images@master:/a', b'x').id}"
        pfs.stop_job(job)

    payload = asyncio.run(_first(JobStateTrigger(ref=job, pfs_conn_id="pfs_default", poll_s=0.01)))

    assert "ended as killed" in payload["error"]


def _connect(monkeypatch: pytest.MonkeyPatch, **extra: str) -> None:
    connection = {"conn_type": "pfs", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_PFS_DEFAULT", json.dumps(connection))


def test_a_catalog_that_is_away_is_asked_again_also_at_the_start(
    pfs_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Pfs(home=pfs_home) as pfs:
        pfs.create_repo("images")
        commit = pfs.put_file("images@master:/a", b"x").id
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, but nobody listens
        dead = f"postgresql://pfs@127.0.0.1:{closed.getsockname()[1]}/pfs"
        _connect(monkeypatch, catalog=dead, store=f"file://{pfs_home}/store")

        async def story() -> Any:
            waiting = asyncio.create_task(_first(_commit_trigger("images@master")))
            await asyncio.sleep(0.5)
            assert not waiting.done()
            _connect(monkeypatch, home=str(pfs_home))
            return await asyncio.wait_for(waiting, 20)

        payload = asyncio.run(story())

    assert payload == {"id": commit}


def test_a_connection_that_is_not_defined_is_told_at_once() -> None:
    trigger = CommitStateTrigger(ref="images@master", pfs_conn_id="missing", poll_s=0.01)

    with pytest.raises(AirflowNotFoundException, match="missing"):
        asyncio.run(asyncio.wait_for(_first(trigger), 10))


def test_a_hundred_waiting_tasks_share_one_catalog(
    pfs_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Pfs] = []
    closed: list[Pfs] = []
    close = Pfs.close

    def count(settings: dict[str, Any]) -> Pfs:
        opened.append(Pfs(**settings))
        return opened[-1]

    def note(self: Pfs) -> None:
        closed.append(self)
        close(self)

    monkeypatch.setattr(log, "open_pfs", count)
    monkeypatch.setattr(Pfs, "close", note)
    with Pfs(home=pfs_home) as pfs:
        for n in range(100):
            pfs.create_repo(f"r{n}")

    async def story() -> list[Any]:
        waiting = [
            asyncio.create_task(_first(_commit_trigger(f"r{n}@master", poll_s=0.2)))
            for n in range(100)
        ]
        await asyncio.sleep(0.5)
        with Pfs(home=pfs_home) as writer:
            for n in range(100):
                writer.put_file(f"r{n}@master:/a", b"x")
        return await asyncio.wait_for(asyncio.gather(*waiting), 40)

    assert all("id" in payload for payload in asyncio.run(story()))
    assert len(opened) == 1
    assert opened[0] in closed


def test_they_are_built_again_from_what_they_tell() -> None:
    for trigger in (
        _commit_trigger("images@master", after="a" * 32),
        JobStateTrigger(ref="copy@" + "a" * 32, pfs_conn_id="x", poll_s=1.0),
    ):
        path, kwargs = trigger.serialize()

        assert path.endswith(type(trigger).__name__)
        assert type(trigger)(**kwargs).serialize() == (path, kwargs)

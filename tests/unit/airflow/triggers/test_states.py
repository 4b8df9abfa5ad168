import asyncio
from pathlib import Path
from typing import Any

from pfs_provider.airflow.triggers.states import CommitStateTrigger, JobStateTrigger
from pfs_provider.pfs import Pfs
from tests.unit.airflow.test_checks import copy_spec


async def _first(trigger: CommitStateTrigger | JobStateTrigger) -> Any:
    async for event in trigger.run():
        return event.payload
    return None


def _commit_trigger(ref: str, **kwargs: Any) -> CommitStateTrigger:
    return CommitStateTrigger(ref=ref, pfs_conn_id="pfs_default", poll_s=0.01, **kwargs)


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


def test_they_are_built_again_from_what_they_tell() -> None:
    for trigger in (
        _commit_trigger("images@master", after="a" * 32),
        JobStateTrigger(ref="copy@" + "a" * 32, pfs_conn_id="x", poll_s=1.0),
    ):
        path, kwargs = trigger.serialize()

        assert path.endswith(type(trigger).__name__)
        assert type(trigger)(**kwargs).serialize() == (path, kwargs)

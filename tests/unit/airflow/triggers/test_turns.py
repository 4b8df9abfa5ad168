import asyncio
from pathlib import Path

from pfs_provider.airflow.triggers.turns import TurnTrigger
from pfs_provider.pfs import Pfs
from tests.unit.airflow.test_checks import copy_spec


def _trigger(pipeline: str = "copy") -> TurnTrigger:
    return TurnTrigger(pipeline=pipeline, owner="me", pfs_conn_id="pfs_default", poll_s=0.01)


async def _first(trigger: TurnTrigger) -> object:
    async for event in trigger.run():
        return event.payload
    return None


def test_it_fires_when_nobody_else_holds_a_job(pfs_home: Path) -> None:
    with Pfs(home=pfs_home) as pfs:
        pfs.create_repo("images")
        pfs.create_pipeline(copy_spec())
        job = pfs.put_file("images@master:/a", b"x").id
        pfs.claim_job("copy", owner="other", lease_s=3600)

        async def story() -> object:
            waiting = asyncio.create_task(_first(_trigger()))
            await asyncio.sleep(0.3)
            assert not waiting.done()
            await asyncio.to_thread(pfs.give_back_job, f"copy@{job}", owner="other")
            return await asyncio.wait_for(waiting, 10)

        assert asyncio.run(story()) == {"pipeline": "copy"}


def test_what_waiting_cannot_mend_ends_the_wait(pfs_home: Path) -> None:
    assert asyncio.run(_first(_trigger("missing"))) == {"pipeline": "missing"}


def test_it_is_built_again_from_what_it_tells() -> None:
    path, kwargs = _trigger().serialize()

    assert path == "pfs_provider.airflow.triggers.turns.TurnTrigger"
    assert TurnTrigger(**kwargs).serialize() == (path, kwargs)

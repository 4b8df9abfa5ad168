import asyncio
import subprocess
import sys
from pathlib import Path

from pfs_provider.airflow.processes import is_alive, process_name
from pfs_provider.airflow.triggers.work import WorkTrigger
from pfs_provider.pfs import Pfs
from tests.unit.airflow.test_checks import copy_spec


def _trigger(process: str) -> WorkTrigger:
    return WorkTrigger(process=process, pipeline="copy", pfs_conn_id="pfs_default", poll_s=0.01)


async def _first(trigger: WorkTrigger) -> object:
    async for event in trigger.run():
        return event.payload
    return None


def test_it_fires_when_the_process_has_ended() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    trigger = _trigger(process_name(process.pid))

    async def story() -> object:
        waiting = asyncio.create_task(_first(trigger))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await trigger.on_kill()
        return await asyncio.wait_for(waiting, 10)

    assert asyncio.run(story()) == {"pipeline": "copy"}
    process.communicate()
    assert is_alive(trigger.process) is False


def test_on_another_machine_the_catalog_says_when_nothing_is_in_work(pfs_home: Path) -> None:
    with Pfs(home=pfs_home) as pfs:
        pfs.create_repo("images")
        pfs.create_pipeline(copy_spec())

    assert asyncio.run(_first(_trigger("elsewhere/1/1"))) == {"pipeline": "copy"}


def test_it_is_built_again_from_what_it_tells() -> None:
    trigger = _trigger("m/1/2")

    path, kwargs = trigger.serialize()

    assert path == "pfs_provider.airflow.triggers.work.WorkTrigger"
    assert WorkTrigger(**kwargs).serialize() == (path, kwargs)

"""WorkTrigger: waits for a detached run of a pipeline, without a worker slot.

Must not know: what is run. The catalog says what came of it; the task reads it when it resumes.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from pfs_provider.airflow.hook import PfsHook, open_pfs
from pfs_provider.airflow.processes import end_process, is_alive
from pfs_provider.errors import UnavailableError
from pfs_provider.jobs.states import ACTIVE

if TYPE_CHECKING:
    from pfs_provider.pfs import Pfs

__all__ = ["WorkTrigger"]

OTHER_MACHINE_POLL_S = 5.0


class WorkTrigger(BaseTrigger):
    """Fires when the process has ended; on another machine, when the pipeline has nothing in work.

    Args:
        process: Name of the process (processes.py).
        pipeline: What it runs.
        pfs_conn_id: The Airflow connection.
        poll_s: Seconds between two looks.
    """

    def __init__(
        self, *, process: str, pipeline: str, pfs_conn_id: str, poll_s: float = 0.5
    ) -> None:
        super().__init__()
        self.process = process
        self.pipeline = pipeline
        self.pfs_conn_id = pfs_conn_id
        self.poll_s = poll_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return how to build this trigger again."""
        return (
            "pfs_provider.airflow.triggers.work.WorkTrigger",
            {
                "process": self.process,
                "pipeline": self.pipeline,
                "pfs_conn_id": self.pfs_conn_id,
                "poll_s": self.poll_s,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire once, without a payload that matters: the catalog knows the outcome."""
        while (alive := is_alive(self.process)) is True:  # noqa: ASYNC110 - its end tells nobody
            await asyncio.sleep(self.poll_s)
        if alive is None:
            await self._wait_for_catalog()
        yield TriggerEvent({"pipeline": self.pipeline})

    async def on_kill(self) -> None:
        """End the process, which ends its workers and gives the job back."""
        if not end_process(self.process):
            self.log.warning("The run of %s is not on this machine or has ended", self.pipeline)

    async def _wait_for_catalog(self) -> None:
        settings = await PfsHook(self.pfs_conn_id).afind_settings()
        pfs = await asyncio.to_thread(open_pfs, settings)
        try:
            while True:
                try:
                    if not await asyncio.to_thread(_is_in_work, pfs, self.pipeline):
                        return
                except UnavailableError as error:
                    self.log.warning("The catalog does not answer, asking again: %s", error)
                await asyncio.sleep(OTHER_MACHINE_POLL_S)
        finally:
            await asyncio.to_thread(pfs.close)


def _is_in_work(pfs: "Pfs", pipeline: str) -> bool:
    return any(job.state in ACTIVE for job in pfs.list_jobs(pipeline))

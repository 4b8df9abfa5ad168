"""TurnTrigger: waits until a pipeline's jobs are in nobody else's hands.

Must not know: what the task does with its turn; it looks for itself, whoever was faster.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from pfs_provider.airflow.hook import PfsHook, open_pfs
from pfs_provider.errors import PfsError, UnavailableError

__all__ = ["TurnTrigger"]


class TurnTrigger(BaseTrigger):
    """Fires when no other scheduler holds a job of the pipeline.

    Args:
        pipeline: ``[project/]pipeline``.
        owner: Who waits.
        pfs_conn_id: The Airflow connection.
        poll_s: Seconds between two looks.
    """

    def __init__(self, *, pipeline: str, owner: str, pfs_conn_id: str, poll_s: float = 2.0) -> None:
        super().__init__()
        self.pipeline = pipeline
        self.owner = owner
        self.pfs_conn_id = pfs_conn_id
        self.poll_s = poll_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return how to build this trigger again."""
        names = ("pipeline", "owner", "pfs_conn_id", "poll_s")
        return (
            "pfs_provider.airflow.triggers.turns.TurnTrigger",
            {name: getattr(self, name) for name in names},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire once, without a payload that matters: the catalog knows what there is to do."""
        settings = await PfsHook(self.pfs_conn_id).afind_settings()
        pfs = await asyncio.to_thread(open_pfs, settings)
        try:
            while await asyncio.to_thread(self._others_work, pfs):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(self.poll_s)
        finally:
            await asyncio.to_thread(pfs.close)
        yield TriggerEvent({"pipeline": self.pipeline})

    def _others_work(self, pfs: Any) -> bool:
        try:
            return bool(pfs.do_others_work(self.pipeline, owner=self.owner))
        except UnavailableError as error:
            self.log.warning("The catalog does not answer, asking again: %s", error)
            return True
        except PfsError:
            return False  # the task meets the same error, and says it in Airflow's words

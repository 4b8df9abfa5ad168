"""Triggers that wait for one commit or one job, for the deferrable sensors.

Invariants: a catalog that does not answer is asked again, also at the start; all triggers of a
connection share one. Must not know: what a commit or a job has to be like (checks.py).
"""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowRuntimeError
from airflow.triggers.base import BaseTrigger, TriggerEvent

from pfs_provider.airflow.checks import find_commit, find_ended_job
from pfs_provider.airflow.triggers.log import EventLog, shared_log
from pfs_provider.errors import PfsError, UnavailableError

if TYPE_CHECKING:
    from pfs_provider.infos import CommitInfo, JobInfo
    from pfs_provider.pfs import Pfs

__all__ = ["CommitStateTrigger", "JobStateTrigger"]


class _StateTrigger(BaseTrigger):
    """Asks every ``poll_s`` seconds; fires once, with the id or the error."""

    def __init__(self, *, ref: str, pfs_conn_id: str, poll_s: float) -> None:
        super().__init__()
        self.ref = ref
        self.pfs_conn_id = pfs_conn_id
        self.poll_s = poll_s

    @abstractmethod
    def find(self, pfs: "Pfs") -> "CommitInfo | JobInfo | None":
        """Return what is waited for, None while it is not there. Called in a thread."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return how to build this trigger again."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {"ref": self.ref, "pfs_conn_id": self.pfs_conn_id, "poll_s": self.poll_s},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire ``{"id": …}``, or ``{"error": …}`` when waiting longer cannot help."""
        async with shared_log(self.pfs_conn_id) as log:
            yield TriggerEvent(await self._wait(log))

    async def _wait(self, log: EventLog) -> dict[str, str]:
        while True:
            try:
                found = await log.ask(self.find)
            except (UnavailableError, AirflowRuntimeError) as error:
                self.log.warning("No answer, asking again: %s", error)
            except PfsError as error:
                return {"error": f"{error} [{error.code}]"}
            else:
                if found is not None:
                    return {"id": found.id}
            await asyncio.sleep(self.poll_s)


class CommitStateTrigger(_StateTrigger):
    """Fires when a branch or commit is finished. Arguments as ``PfsCommitSensor``."""

    def __init__(self, *, after: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.after = after

    def find(self, pfs: "Pfs") -> "CommitInfo | None":
        """Return the commit once it is finished."""
        return find_commit(pfs, self.ref, after=self.after)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return how to build this trigger again."""
        path, kwargs = super().serialize()
        return path, kwargs | {"after": self.after}


class JobStateTrigger(_StateTrigger):
    """Fires when a job has ended. Arguments as ``PfsJobSensor``."""

    def find(self, pfs: "Pfs") -> "JobInfo | None":
        """Return the job once it has ended well."""
        return find_ended_job(pfs, self.ref)

"""PodsTrigger: waits for the pods of a job, without a worker slot.

Invariants: it makes nothing and ends nothing but what a person wants ended; it can be stopped and
built again at any moment, in another process, and waits on. One event at the end says why the wait
is over; what the job came to, the task decides when it resumes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from pfs_provider.airflow.clusters import afind_cluster, cluster_values
from pfs_provider.airflow.hook import PfsHook, open_pfs
from pfs_provider.airflow.triggers.kube import AsyncKube, open_kube
from pfs_provider.airflow.triggers.pod_watch import JOBS, PodWatch
from pfs_provider.clock import SystemClock
from pfs_provider.errors import ErrorCode, PfsError, UnavailableError, UnknownOutcomeError
from pfs_provider.jobs.launcher import WorkersState
from pfs_provider.k8s.signs import SignsOfLife
from pfs_provider.settings import load_settings

if TYPE_CHECKING:
    from pfs_provider.jobs.waiting import Waiting
    from pfs_provider.pfs import Pfs

__all__ = ["LEASE_S", "PodsTrigger"]

LEASE_S = 120.0
"""Seconds for which the job is kept: a triggerer that is started again takes some of them."""
API_GRACE_S = 300.0
"""Seconds without the cluster's API until the task is told; the pods work on."""
OPEN_S = 600.0
"""Seconds that one client is used for: credentials run out."""
STOPPED = "stopped in Airflow"


class PodsTrigger(BaseTrigger):
    """Fires when the work of a job on Kubernetes is over.

    The payload has ``job``, and ``outcome``: ``done``; ``problem``, with the reason in ``problem``;
    ``gone``, if the Job was deleted or ended with work left; ``lost``, if somebody else has the
    job or it has ended; ``unavailable``, if nothing can be asked any more.

    Args:
        job: ``pipeline@id``.
        owner: Who holds it.
        name: The Job's name.
        namespace: Where it is.
        kubeconfig: File that says where the cluster is, if not where clients look.
        context: Which entry of it.
        kubernetes_conn_id: Or an Airflow connection that says so.
        start_timeout_s: Seconds without a sign of life until the workers are given up.
        launched_at: When the work began, ISO 8601.
        pfs_conn_id: The Airflow connection to catalog and store.
        poll_s: Seconds between two looks.
    """

    def __init__(  # noqa: PLR0913 each is one fact of the wait
        self,
        *,
        job: str,
        owner: str,
        name: str,
        namespace: str,
        kubeconfig: str | None = None,
        context: str | None = None,
        kubernetes_conn_id: str | None = None,
        start_timeout_s: float,
        launched_at: str,
        pfs_conn_id: str,
        poll_s: float = 2.0,
    ) -> None:
        super().__init__()
        self.job = job
        self.owner = owner
        self.name = name
        self.namespace = namespace
        self.kubeconfig = kubeconfig
        self.context = context
        self.kubernetes_conn_id = kubernetes_conn_id
        self.start_timeout_s = start_timeout_s
        self.launched_at = launched_at
        self.pfs_conn_id = pfs_conn_id
        self.poll_s = poll_s
        self._clock = SystemClock()
        self._away_since: float | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return how to build this trigger again."""
        names = (
            "job", "owner", "name", "namespace", "kubeconfig", "context", "kubernetes_conn_id",
            "start_timeout_s", "launched_at", "pfs_conn_id", "poll_s",
        )  # fmt: skip
        return (
            "pfs_provider.airflow.triggers.pods.PodsTrigger",
            {name: getattr(self, name) for name in names},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire once, when there is nothing more to wait for."""
        settings = await PfsHook(self.pfs_conn_id).afind_settings()
        pfs = await asyncio.to_thread(open_pfs, settings)
        try:
            yield TriggerEvent({"job": self.job} | await self._wait(pfs))
        finally:
            await asyncio.to_thread(pfs.close)

    async def on_kill(self) -> None:
        """Give the job back and delete its Job with all pods."""
        settings = await PfsHook(self.pfs_conn_id).afind_settings()
        await asyncio.to_thread(_give_back, settings, self.job, self.owner)
        async with self._open_kube() as kube:
            await kube.delete(JOBS, self.name)

    @asynccontextmanager
    async def _open_kube(self) -> AsyncIterator[AsyncKube]:
        """Give a client: of what the task said, else its connection, else the settings here."""
        settings = await asyncio.to_thread(load_settings)
        here = {name: settings.cluster.get(name) for name in ("kubeconfig", "context")}
        found = await afind_cluster(self.kubernetes_conn_id)
        given = {
            "namespace": self.namespace,
            "kubeconfig": self.kubeconfig,
            "context": self.context,
        }
        with cluster_values(here | found, given) as values:
            place: dict[str, Any] = {name: values.get(name) for name in given}
            async with open_kube(**place) as kube:
                yield kube

    async def _wait(self, pfs: "Pfs") -> dict[str, str | None]:
        watch: PodWatch | None = None
        waiting: Waiting | None = None
        while True:
            try:
                if waiting is None or watch is None:
                    waiting = await asyncio.to_thread(self._begin, pfs)
                    watch = self._watch(waiting)
                    await asyncio.to_thread(watch.signs.note)
                async with self._open_kube() as kube:
                    event = await self._look_for_a_while(waiting, watch, kube)
            except (UnavailableError, UnknownOutcomeError) as error:
                if error.code == ErrorCode.EXTRA_MISSING:
                    return {"outcome": "unavailable", "problem": f"{error}"}
                self.log.warning("No answer, asking again: %s", error)
                await asyncio.sleep(self.poll_s)
                continue
            except PfsError as error:
                # The task meets the same error when it resumes, and says it in Airflow's words.
                return {"outcome": "unavailable", "problem": f"{error}"}
            if event is not None:
                return event

    def _begin(self, pfs: "Pfs") -> "Waiting":
        waited = self._clock.now() - datetime.fromisoformat(self.launched_at)
        return pfs.wait_for_job(
            self.job, owner=self.owner, lease_s=LEASE_S, waited_s=waited.total_seconds()
        )

    def _watch(self, waiting: "Waiting") -> PodWatch:
        return PodWatch(
            name=self.name,
            signs=SignsOfLife(waiting.jobs.objects, waiting.ref),
            clock=self._clock,
            start_timeout_s=self.start_timeout_s,
        )

    async def _look_for_a_while(
        self, waiting: "Waiting", watch: PodWatch, kube: AsyncKube
    ) -> dict[str, str | None] | None:
        """Look again and again with one client; None when it is time for another one."""
        end = self._clock.monotonic() + OPEN_S
        while self._clock.monotonic() < end:
            look = await asyncio.to_thread(waiting.look)
            if not look.is_held:
                return {"outcome": "lost", "problem": None}
            if look.is_done:
                return {"outcome": "done", "problem": None}
            try:
                state = await watch.look(kube)
                self._away_since = None
            except UnavailableError as error:
                state = self._without_api(error)
                if state is None:
                    return {"outcome": "unavailable", "problem": f"{error}"}
            if state is None:
                return {"outcome": "gone", "problem": None}
            verdict = await asyncio.to_thread(waiting.judge, state)
            if verdict is not None:
                outcome = "done" if verdict.problem is None else "problem"
                return {"outcome": outcome, "problem": verdict.problem}
            await asyncio.sleep(self.poll_s)
        return None

    def _without_api(self, error: UnavailableError) -> WorkersState | None:
        """Return a notice while the API may come back, None when that has taken too long."""
        now = self._clock.monotonic()
        self._away_since = self._away_since or now
        if error.code != ErrorCode.CLUSTER_UNAVAILABLE or now - self._away_since > API_GRACE_S:
            return None
        self.log.warning("The cluster does not answer, asking again: %s", error)
        return WorkersState(alive=1, notice=f"{error}")


def _give_back(settings: dict[str, Any], job: str, owner: str) -> None:
    with open_pfs(settings) as pfs:
        pfs.give_back_job(job, owner=owner, reason=STOPPED)

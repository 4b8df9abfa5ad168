"""How the pods of one job are, asked without blocking the triggerer.

Invariants: what a pod or an event means is decided by ``k8s/diagnosis.py``; pods and events are
forgotten between two looks, and within one only what tells something is kept, so that memory does
not grow with datums, results or time. Nothing is made here: where the Job is gone, somebody else
has to make it again.
Must not know: leases, results, what becomes of the job.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pfs_provider.airflow.triggers.kube import AsyncKube
from pfs_provider.clock import Clock
from pfs_provider.jobs.launcher import WorkersState
from pfs_provider.k8s.diagnosis import EVENT_FIELDS, diagnose, judge
from pfs_provider.k8s.manifests import CANARIES, raise_parallelism
from pfs_provider.k8s.signs import SignsOfLife
from pfs_provider.k8s.workers import has_condition, pod_selector

__all__ = ["JOBS", "PodWatch"]

JOBS = "/apis/batch/v1/jobs"
PODS = "/api/v1/pods"
EVENTS = "/api/v1/events"


@dataclass(slots=True, kw_only=True)
class PodWatch:
    """The pods of one Job.

    Args:
        name: The Job's name.
        signs: The workers' beats.
        clock: For silence.
        start_timeout_s: Seconds without a sign of life until the workers are given up.
    """

    name: str
    signs: SignsOfLife
    clock: Clock
    start_timeout_s: float
    _has_worked: bool = False
    _last_life: float = field(init=False)

    def __post_init__(self) -> None:
        self._last_life = self.clock.monotonic()

    async def look(self, kube: AsyncKube) -> WorkersState | None:
        """Return how the pods are, None where no Job is at work: it is gone, or has ended.

        Lets all pods run once one has given a sign of life.
        """
        job = await kube.find(JOBS, self.name)
        if job is None or "deletionTimestamp" in job["metadata"]:
            return None
        if has_condition(job, "Complete", "SuccessCriteriaMet"):
            return None
        uid, spec = str(job["metadata"]["uid"]), job["spec"]
        now = self.clock.now()
        pods = [_slim(pod) async for pod in kube.list_objects(PODS, labels=pod_selector(uid))]
        found = diagnose(job, pods, (), has_worked=self._has_worked, now=now)
        if not self._has_worked or found.working < min(spec["parallelism"], spec["completions"]):
            events = await _events(kube, {uid, *(str(pod["metadata"].get("uid")) for pod in pods)})
            found = diagnose(job, pods, events, has_worked=self._has_worked, now=now)
        if (self._has_worked and found.working) or await asyncio.to_thread(self.signs.look):
            self._last_life = self.clock.monotonic()
            self._has_worked = True
        # Whoever raised it saw a sign of life, perhaps another triggerer before this one.
        self._has_worked |= spec["parallelism"] > CANARIES
        if self._has_worked and (patch := raise_parallelism(job)) is not None:
            await kube.patch(JOBS, self.name, patch)
        silent_s = self.clock.monotonic() - self._last_life
        return judge(found, silent_s=silent_s, start_timeout_s=self.start_timeout_s)


def _slim(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a diagnosis reads of a pod; nearly nothing of one that ended well."""
    about, status = pod["metadata"], pod.get("status", {})
    if status.get("phase") == "Succeeded":
        return {"metadata": {}, "status": {"phase": "Succeeded"}}
    kept = {name: about[name] for name in ("name", "uid", "deletionTimestamp") if name in about}
    node = pod.get("spec", {}).get("nodeName", "")
    return {"metadata": kept, "spec": {"nodeName": node}, "status": status}


async def _events(kube: AsyncKube, about: set[str]) -> list[dict[str, Any]]:
    """Return the warnings about these objects; a namespace may hold those of many others."""
    return [
        event
        async for event in kube.list_objects(EVENTS, fields=EVENT_FIELDS)
        if event.get("involvedObject", {}).get("uid") in about
    ]

"""How the workers' pods of a workflow start: what hinders them for good, and their end if it does.

Invariants: where one worker has started, the others may, too, and nothing is ended. Argo starts a
waiting pod anew that somebody deletes; so a pod is failed with the reason, which Argo shows and
takes for an end (WORK_RETRY_IF), again and again, because its kubelet knows better and goes on
trying; what is left is deleted when Argo has seen all their ends. An Indexed Job is given a
deadline that is over. Must not know: the catalog.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pfs_provider.argo.names import ARGO_WORKFLOW, KEEP, NO_START, STEP_LABEL, WORKFLOW_LABEL
from pfs_provider.argo.work import MAIN
from pfs_provider.clock import Clock
from pfs_provider.errors import ErrorCode, NotFoundError, UnavailableError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.k8s.client import EVENTS, JOBS, PODS, KubeClient
from pfs_provider.k8s.diagnosis import EVENT_FIELDS, diagnose
from pfs_provider.k8s.names import JOB_LABEL, job_annotations
from pfs_provider.k8s.obstacles import find_obstacle
from pfs_provider.k8s.pods import STORAGE

__all__ = ["FINAL_S", "Starts"]

FINAL_S = 12.0
"""Seconds that something may be missing: whoever applies it together with a commit is as fast."""
GIVEN_UP = "CannotStart"
"""The reason in the status of a pod that was failed here."""

Json = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Starts:
    """The workers' pods of one job in one workflow, as long as none of them has started.

    Args:
        client: The API, in the workflow's namespace.
        clock: For patience.
        job: Which job.
        workflow: The workflow's name.
        uid: Its uid.
        start_timeout_s: Seconds that what may pass by itself may last.
    """

    client: KubeClient
    clock: Clock
    job: JobRef
    workflow: str
    uid: str
    start_timeout_s: float
    has_started: bool = False
    _since: dict[tuple[str, bool], float] = field(default_factory=dict)

    def look(self) -> str | None:
        """Return why no worker will ever start, None while one has or may.

        Raises:
            UnavailableError: ``cluster-forbidden``: pods may not be listed;
                ``cluster-unavailable``.
        """
        if self.has_started:
            return None
        pods = self._pods()
        self.has_started = any(_has_started(pod) for pod in pods)
        if self.has_started:
            return None
        events = self._events()
        job = self._find_job() if not any(_is_argos(pod) for pod in pods) else None
        if job is not None:
            refused = diagnose(job, pods, events, has_worked=False).problem
            if refused is not None:
                return refused
        return self._find_ripe(pods, events)

    def end(self, why: str) -> None:
        """Fail the pods that have not started; to be repeated each second until Argo has seen it.

        Raises:
            UnavailableError: ``cluster-forbidden``, ``cluster-unavailable``.
        """
        job = self._find_job()
        if job is not None:
            with suppress(NotFoundError):
                over = {"spec": {"activeDeadlineSeconds": 1}}
                self.client.patch(JOBS, job["metadata"]["name"], over)
        failed = {"phase": "Failed", "reason": GIVEN_UP, "message": f"{why}; {NO_START}"}
        for pod in self._waiting():
            with suppress(NotFoundError):
                self.client.patch(PODS, pod["metadata"]["name"], {"status": failed}, part="status")

    def clear(self) -> None:
        """Delete pods of steps that have ended and that Argo leaves. Raises as ``end`` does.

        These are workers that have not started, and what kept the job: Argo counts a step that is
        told to end as failed, and removes pods that succeeded only.
        """
        for pod in [*self._waiting(given_up=True), *self._keepers()]:
            self.client.delete(PODS, pod["metadata"]["name"], uid=pod["metadata"]["uid"])

    def _find_ripe(self, pods: list[dict[str, Any]], events: list[dict[str, Any]]) -> str | None:
        """Return what has hindered a pod for too long."""
        now, seen, ripe = self.clock.monotonic(), dict(self._since), []
        self._since.clear()
        for pod in pods:
            obstacle = find_obstacle(pod, events)
            if obstacle is None:
                continue
            key = str(pod["metadata"]["uid"]), obstacle.is_final
            self._since[key] = seen.get(key, now)
            if now - self._since[key] >= (FINAL_S if obstacle.is_final else self.start_timeout_s):
                ripe.append(obstacle.text)
        return max(ripe, key=ripe.count, default=None)

    def _pods(self) -> list[dict[str, Any]]:
        return [
            pod
            for pod in self.client.list_objects(PODS, labels=f"{JOB_LABEL}={self.job.id}")
            if _is_of(pod, self.job)
            and pod["metadata"]["labels"].get(ARGO_WORKFLOW, self.workflow) == self.workflow
        ]

    def _waiting(self, *, given_up: bool = False) -> list[dict[str, Any]]:
        """Return Argo's pods that have not started; with those that its kubelet has not undone."""
        return [
            pod
            for pod in self._pods()
            if _is_argos(pod)
            and "deletionTimestamp" not in pod["metadata"]
            and not _has_started(pod)
            and (_phase(pod) == "Pending" or (given_up and _is_given_up(pod)))
        ]

    def _keepers(self) -> list[dict[str, Any]]:
        return [
            pod
            for pod in self.client.list_objects(PODS, labels=f"{STEP_LABEL}={KEEP}")
            if pod["metadata"]["labels"].get(ARGO_WORKFLOW) == self.workflow
            and _is_of(pod, self.job)
        ]

    def _events(self) -> list[dict[str, Any]]:
        return self._allowed(lambda: self.client.list_objects(EVENTS, fields=EVENT_FIELDS))

    def _find_job(self) -> dict[str, Any] | None:
        """Return the Indexed Job that this workflow made for the job."""
        labels = f"{WORKFLOW_LABEL}={self.uid}"
        for job in self._allowed(lambda: self.client.list_objects(JOBS, labels=labels)):
            if _is_of(job, self.job):
                return job
        return None

    def _allowed(self, ask: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """Return the answer, nothing where one may not ask: pods alone tell the most of it."""
        try:
            return ask()
        except UnavailableError as error:
            if error.code != ErrorCode.CLUSTER_FORBIDDEN:
                raise
            return []


def _is_of(found: Json, job: JobRef) -> bool:
    """Return whether it is of this job: jobs of one change have one id."""
    told = found["metadata"].get("annotations") or {}
    return job_annotations(job).items() <= told.items()


def _is_argos(pod: Json) -> bool:
    """Return whether Argo made it, not an Indexed Job."""
    return ARGO_WORKFLOW in pod["metadata"]["labels"]


def _phase(pod: Json) -> str:
    return str(pod.get("status", {}).get("phase", ""))


def _is_given_up(pod: Json) -> bool:
    return _phase(pod) == "Failed" and pod["status"].get("reason") == GIVEN_UP


def _has_started(pod: Json) -> bool:
    """Return whether its worker runs, or ran."""
    return any(
        part.get("name") in {MAIN, STORAGE}
        and not {"running", "terminated"}.isdisjoint(part.get("state") or {})
        for part in pod.get("status", {}).get("containerStatuses") or ()
    )

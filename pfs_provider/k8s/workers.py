"""The pods of one job, watched and ended.

Invariants: the store's results decide whether work is done, never the Job: a Job that is gone, or
that ended with work left, is made again. A handle that another process made may stop what this one
launched; both mean the Job of that name. The API may be away for a while: pods work on without it.
Must not know: how a Job is made.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pfs_provider.clock import Clock
from pfs_provider.errors import ErrorCode, PfsError, UnavailableError
from pfs_provider.jobs.launcher import WorkersState
from pfs_provider.k8s.client import EVENTS, JOBS, PODS, KubeClient
from pfs_provider.k8s.diagnosis import EVENT_FIELDS, diagnose, judge
from pfs_provider.k8s.manifests import CANARIES, raise_parallelism
from pfs_provider.k8s.signs import SignsOfLife

logger = logging.getLogger(__name__)

__all__ = ["KubernetesWorkers", "has_condition", "pod_selector"]

POLL_S = 2.0
MAX_POLL_S = 10.0
"""Seconds between looks; a list of many pods is large, and looked at less often."""
PODS_PER_POLL_S = 50
API_GRACE_S = 300.0
"""Seconds without the API until the job is given back; its pods work on."""
MAX_REMADE = 5
"""Times that a Job is made again: somebody who deletes it that often means it."""
STOP_WAIT_S = 45.0
"""Seconds that the end of pods is waited for: their grace time and a little more."""
OVER_WAIT_S = 15.0
"""The same where workers end by themselves: those on a lost node cannot say that they have."""
STOP_POLL_S = 0.5


@dataclass(slots=True, kw_only=True)
class KubernetesWorkers:
    """A handle on the Job of one job, with its pods.

    Args:
        client: The cluster.
        clock: For pauses and time-outs.
        name: The Job's name.
        signs: The workers' beats.
        start_timeout_s: Seconds without a sign of life until they are given up.
        make: Makes the Job again, or finds it; None in a handle that only watches and stops.
        uid: The Job's, once it is known.
        n_workers: As many pods as it may have; how often it is looked at depends on it.
    """

    client: KubeClient
    clock: Clock
    name: str
    signs: SignsOfLife
    start_timeout_s: float
    make: Callable[[], Mapping[str, Any]] | None = None
    uid: str = ""
    n_workers: int = 1
    _state: WorkersState = field(default_factory=lambda: WorkersState(alive=1))
    _next_look: float = 0.0
    _has_worked: bool = False
    _last_life: float = field(init=False)
    _away_since: float | None = None
    _remade: int = 0

    def __post_init__(self) -> None:
        self._last_life = self.clock.monotonic()

    @property
    def namespace(self) -> str:
        """Where the Job is."""
        return self.client.namespace

    def poll(self) -> WorkersState:
        """Return how the pods are; the API is asked every few seconds at most.

        Raises:
            UnavailableError: ``cluster-unavailable``: the API has been away for too long;
                ``cluster-forbidden``: a right is missing. The pods work on.
        """
        now = self.clock.monotonic()
        if now < self._next_look:
            return self._state
        pause_s = min(MAX_POLL_S, max(POLL_S, self.n_workers / PODS_PER_POLL_S))
        self._next_look = now + pause_s
        try:
            self._state = self._look()
            self._away_since = None
        except UnavailableError as error:
            if error.code != ErrorCode.CLUSTER_UNAVAILABLE:
                raise
            self._away_since = self._away_since or now
            if now - self._away_since > API_GRACE_S:
                raise
            self._state = replace(self._state, notice=f"{error}")
        return self._state

    def stop(self) -> None:
        """Delete the Job with its pods and wait for their end; a complete one is left to its TTL.

        What hinders it is logged only: workers end by themselves when they find no more work or
        their job ended, and what the job came to must not depend on that.
        """
        try:
            self._stop()
        except PfsError as error:
            logger.warning("the Job %s/%s may be left: %s", self.namespace, self.name, error)

    def leave(self) -> None:
        """Leave the Job as it is: whoever launches it again finds it by its name."""

    def _stop(self) -> None:
        job = self.client.find(JOBS, self.name)
        if job is None or has_condition(job, "Complete", "SuccessCriteriaMet"):
            return
        uid = str(job["metadata"]["uid"])
        self.client.delete(JOBS, self.name, uid=uid)
        wait_s = OVER_WAIT_S if self.signs.is_over() else STOP_WAIT_S
        deadline = self.clock.monotonic() + wait_s
        while self.clock.monotonic() < deadline:
            left = self.client.find(JOBS, self.name)
            if left is None or left["metadata"]["uid"] != uid:
                return
            self.clock.sleep(STOP_POLL_S)

    def _look(self) -> WorkersState:
        job = self.client.find(JOBS, self.name)
        if job is None or "deletionTimestamp" in job["metadata"]:
            return self._make_again("its Job was deleted, and is made again")
        if has_condition(job, "Complete", "SuccessCriteriaMet"):
            return self._make_again("its Job ended with work left, and is made again")
        self.uid = str(job["metadata"]["uid"])
        return self._examine(job)

    def _examine(self, job: Mapping[str, Any]) -> WorkersState:
        pods = self.client.list_objects(PODS, labels=pod_selector(self.uid))
        now, spec = self.clock.now(), job["spec"]
        found = diagnose(job, pods, (), has_worked=self._has_worked, now=now)
        if not self._has_worked or found.working < min(spec["parallelism"], spec["completions"]):
            events = self.client.list_objects(EVENTS, fields=EVENT_FIELDS)
            found = diagnose(job, pods, events, has_worked=self._has_worked, now=now)
        if (self._has_worked and found.working) or self.signs.look():
            self._last_life = self.clock.monotonic()
            self._has_worked = True
        # Whoever raised it saw a sign of life, perhaps another process before this one.
        self._has_worked |= spec["parallelism"] > CANARIES
        if self._has_worked and (patch := raise_parallelism(job)) is not None:
            self.client.patch(JOBS, self.name, patch)
        silent_s = self.clock.monotonic() - self._last_life
        return judge(found, silent_s=silent_s, start_timeout_s=self.start_timeout_s)

    def _make_again(self, why: str) -> WorkersState:
        if self.make is None or self.signs.is_over():
            return WorkersState(alive=0)
        if self._remade >= MAX_REMADE:
            return WorkersState(alive=0, problem=f"{why}: {self._remade} times, now it is given up")
        self._remade += 1
        self.uid = str(self.make()["metadata"]["uid"])
        return WorkersState(alive=1, notice=why)


def pod_selector(uid: str) -> str:
    """Return the label selector of a Job's pods, and of no other Job of that name."""
    return f"batch.kubernetes.io/controller-uid={uid}"


def has_condition(job: Mapping[str, Any], *names: str) -> bool:
    """Return whether one of these conditions is true of a Job."""
    conditions = job.get("status", {}).get("conditions") or []
    return any(part["type"] in names and part["status"] == "True" for part in conditions)

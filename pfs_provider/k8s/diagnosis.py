"""Why pods do not work: from what the API says of a Job, its pods and its events to one sentence.

Invariants: pure, over plain JSON as the API gives it. A *notice* may pass by itself (a registry
comes back, a quota is raised); a *problem* cannot, and ends the job. Whoever watches decides how
long a notice may last. Must not know: clients, time, what a datum is.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pfs_provider.jobs.launcher import WorkersState
from pfs_provider.k8s.pods import INSTALL, STORAGE, USER

__all__ = ["EVENT_FIELDS", "Diagnosis", "diagnose", "judge", "list_notices"]

Json = Mapping[str, Any]

EVENT_FIELDS = "type=Warning"
"""Field selector of the events that tell something."""

IMAGE_NOTICES = frozenset({"ImagePullBackOff", "ErrImagePull", "RegistryUnavailable"})
IMAGE_PROBLEMS = frozenset({"InvalidImageName", "ErrImageNeverPull"})
START_NOTICES = frozenset({"CreateContainerConfigError", "CreateContainerError"})
EVENT_REASONS = frozenset({"Failed", "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"})
START_FAILURES = frozenset({"StartError", "RunContainerError", "ContainerCannotRun"})
CRASH_LOOP = "CrashLoopBackOff"
OOM = "OOMKilled"
MAX_FAILURES = 3
"""Workers that failed one after the other without a sign of life: the next one would, too."""
MAX_REFUSALS = 3
"""Times that making a pod was forbidden: a new namespace has no service account for a moment."""
TOLD_S = 60
"""Seconds that a container that was killed and came back is told."""
MAX_TEXT = 400
"""Characters of the cluster's own words in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """How a Job's pods are.

    Args:
        alive: Pods that work, or will if nothing hinders them.
        working: Pods whose worker runs now.
        failures: Workers that ended with an error.
        notice: Why not all pods work yet; it may pass.
        problem: Why none ever will.
    """

    alive: int
    working: int
    failures: int
    notice: str | None = None
    problem: str | None = None


def diagnose(
    job: Json,
    pods: Sequence[Json],
    events: Sequence[Json],
    *,
    has_worked: bool,
    now: datetime | None = None,
) -> Diagnosis:
    """Return how a Job's pods are.

    Args:
        job: The Job.
        pods: Its pods.
        events: Warnings of the namespace (``EVENT_FIELDS``), in any order; those of others are
            passed over.
        has_worked: Whether any worker has given a sign of life since this Job was made.
        now: Lets what happened once be told for ``TOLD_S`` only; None tells it as long as it can
            be seen.
    """
    living = [pod for pod in pods if not _has_ended(pod)]
    uid = job.get("metadata", {}).get("uid")
    refused = [
        event
        for event in events
        if event.get("reason") == "FailedCreate"
        and event.get("involvedObject", {}).get("uid") == uid
    ]
    is_short = len(living) < _wanted(job)
    notices = [*list_notices(living, events, now)]
    if is_short and refused:
        notices.append(f"FailedCreate: {_create_error(max(refused, key=_last_seen))}")
    problems = [] if pods else _refusals(refused)
    failures = [failure for pod in pods if (failure := _failure(pod)) is not None]
    if not has_worked:
        problems += [text for pod in living for text in _hopeless(pod)]
        if len(failures) >= MAX_FAILURES:
            problems.append(f"{len(failures)} workers failed without any work done: {failures[-1]}")
    if (reason := _gave_up(job)) is not None:
        problems.append(f"{reason}: {failures[-1]}" if failures else reason)
    if not notices and failures and is_short:
        notices = [failures[-1]]
    return Diagnosis(
        alive=len(living),
        working=sum(_is_working(pod) for pod in living),
        failures=len(failures),
        notice=_most_frequent(notices),
        problem=problems[0] if problems else None,
    )


def judge(diagnosis: Diagnosis, *, silent_s: float, start_timeout_s: float) -> WorkersState:
    """Return what a diagnosis means for the job, while its Job exists and has not ended.

    Args:
        diagnosis: How the pods are.
        silent_s: Seconds since the last sign of life, or since the Job was made.
        start_timeout_s: Seconds that a notice may last without any.
    """
    problem = diagnosis.problem
    if problem is None and silent_s > start_timeout_s:
        why = diagnosis.notice or "`kubectl describe` of its pods may tell more"
        limit = f"{start_timeout_s:g} s (k8s_start_timeout_s)"
        problem = f"no worker gave a sign of life for {limit}: {why}"
    # The Job makes more pods as long as it exists.
    return WorkersState(alive=max(1, diagnosis.alive), problem=problem, notice=diagnosis.notice)


def list_notices(
    pods: Sequence[Json], events: Sequence[Json], now: datetime | None = None
) -> Iterator[str]:
    """Yield what hinders pods: a reason, a colon, and the cluster's words. Arguments as above."""
    for pod in pods:
        yield from _scheduling(pod)
        said = [text for status in _statuses(pod) for text in _container_notices(status, now)]
        yield from said or _event_notices(pod, events)


def _scheduling(pod: Json) -> Iterator[str]:
    for condition in _list(pod.get("status"), "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            why = condition.get("message") or condition.get("reason") or "no reason given"
            yield f"Unschedulable: {_short(why)}"
        elif condition.get("type") == "DisruptionTarget" and condition.get("status") == "True":
            node = pod.get("spec", {}).get("nodeName", "")
            why = _short(condition.get("message") or "no reason given")
            yield f"{condition.get('reason')}: node {node} loses its workers: {why}"


def _container_notices(status: Json, now: datetime | None) -> Iterator[str]:
    waiting = (status.get("state") or {}).get("waiting") or {}
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if reason in IMAGE_NOTICES:
        yield f"{reason}: {_image(status)} cannot be pulled: {_short(message)}"
    elif reason in IMAGE_PROBLEMS:
        yield f"{reason}: {_image(status)}: {_short(message)}"
    elif reason in START_NOTICES:
        yield f"{reason}: container {status.get('name')}: {_short(message)}"
    elif reason in START_FAILURES or reason == CRASH_LOOP:
        yield _crash(status, reason)
    else:
        ended = (status.get("lastState") or {}).get("terminated") or {}
        if ended.get("reason") == OOM and status.get("name") == USER and _is_news(ended, now):
            yield (
                f"{OOM}: user code took more memory than resource_limits.memory allows and was "
                "ended; its datum is tried again"
            )


def _is_news(ended: Json, now: datetime | None) -> bool:
    """Return whether a container ended a moment ago: its status says so for ever."""
    at = ended.get("finishedAt")
    return now is None or at is None or (now - datetime.fromisoformat(at)).total_seconds() < TOLD_S


def _crash(status: Json, reason: str) -> str:
    ended = (status.get("lastState") or {}).get("terminated") or {}
    why = ended.get("message") or ended.get("reason") or "it ends at once"
    return (
        f"{reason}: container {status.get('name')} of {_image(status)} cannot stay up: "
        f"{_short(str(why))} (exit code {ended.get('exitCode', 'unknown')})"
    )


def _hopeless(pod: Json) -> Iterator[str]:
    """Yield what no waiting mends."""
    for status in _statuses(pod):
        waiting = (status.get("state") or {}).get("waiting") or {}
        reason = waiting.get("reason", "")
        if reason in IMAGE_PROBLEMS:
            yield f"{reason}: {_image(status)}: {_short(waiting.get('message', ''))}"


def _wanted(job: Json) -> int:
    """Return how many pods the Job has while nothing hinders it."""
    spec, status = job.get("spec", {}), job.get("status", {})
    left = spec.get("completions", 1) - (status.get("succeeded") or 0)
    return int(min(spec.get("parallelism", 1), left))


def _refusals(refused: Sequence[Json]) -> list[str]:
    """Return why pods can never be made: forbidden again and again, and not by a quota."""
    forbidden = [
        event
        for event in refused
        if "forbidden" in event.get("message", "")
        and "exceeded quota" not in event.get("message", "")
    ]
    if sum(_count(event) for event in forbidden) < MAX_REFUSALS:
        return []
    return [f"FailedCreate: {_create_error(max(forbidden, key=_last_seen))}"]


def _gave_up(job: Json) -> str | None:
    """Return why the Job starts no more pods although workers failed, None while it does."""
    for condition in _list(job.get("status"), "conditions"):
        if condition.get("type") in {"Failed", "FailureTarget"} and condition["status"] == "True":
            why = condition.get("message") or condition.get("reason") or "no reason given"
            return f"Kubernetes has given the workers up: {_short(why)}"
    return None


def _create_error(event: Json) -> str:
    text = str(event.get("message", ""))
    return _short(re.sub(r'^Error creating: (pods "[^"]*" is )?', "", text))


def _failure(pod: Json) -> str | None:
    """Return why a worker ended with an error, None if it did not."""
    status = pod.get("status", {})
    if status.get("phase") != "Failed":
        return None
    name = pod.get("metadata", {}).get("name", "")
    for part in _statuses(pod):
        ended = (part.get("state") or {}).get("terminated") or {}
        if part.get("name") not in {STORAGE, INSTALL} or ended.get("exitCode", 0) == 0:
            continue
        if ended.get("reason") == OOM:
            return f"{OOM}: the worker took more memory than sidecar_resource_limits.memory allows"
        why = ended.get("message") or ended.get("reason") or "it said nothing"
        return f"worker {name} exited with code {ended['exitCode']}: {_short(str(why))}"
    why = status.get("message") or "no reason given"
    return f"{status.get('reason') or 'Failed'}: pod {name}: {_short(why)}"


def _has_ended(pod: Json) -> bool:
    return pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}


def _is_working(pod: Json) -> bool:
    if "deletionTimestamp" in pod.get("metadata", {}):
        return False  # on a node that is lost it says "running" for ever
    return any(
        part.get("name") == STORAGE and "running" in (part.get("state") or {})
        for part in _statuses(pod)
    )


def _statuses(pod: Json) -> Iterator[Json]:
    status = pod.get("status")
    yield from _list(status, "initContainerStatuses")
    yield from _list(status, "containerStatuses")


def _event_notices(pod: Json, events: Sequence[Json]) -> Iterator[str]:
    """Yield why a pod does not start where no status tells it.

    That is so while volumes are missing, and for a container that starts before the main one: the
    kubelet leaves it at PodInitializing.
    """
    uid = pod.get("metadata", {}).get("uid")
    if pod.get("status", {}).get("phase") != "Pending" or not uid:
        return
    about = [
        event
        for event in events
        if event.get("involvedObject", {}).get("uid") == uid
        and event.get("reason") in EVENT_REASONS
    ]
    if about:
        newest = max(about, key=_last_seen)
        text = _short(newest.get("message", ""))
        container = re.search(r"\{(.+)\}", newest["involvedObject"].get("fieldPath", ""))
        if container is not None:
            text = f"container {container[1]}: {text.removeprefix('Error: ')}"
        yield f"{newest['reason']}: {text}"


def _last_seen(event: Json) -> str:
    series = event.get("series") or {}
    return str(
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or event.get("metadata", {}).get("creationTimestamp", "")
    )


def _count(event: Json) -> int:
    return int((event.get("series") or {}).get("count") or event.get("count") or 1)


def _image(status: Json) -> str:
    return f"image {status.get('image', '')!r}"


def _list(holder: object, name: str) -> list[Json]:
    return list(holder.get(name) or []) if isinstance(holder, Mapping) else []


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"


def _most_frequent(notices: Sequence[str]) -> str | None:
    """Return what most pods say, and the first of equals; None if nothing is said."""
    return max(notices, key=notices.count) if notices else None

"""One sentence for each way in which pods do not work, from JSON as a real cluster gave it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pfs_provider.k8s.diagnosis import Diagnosis, diagnose, judge

UID = "job-uid"


def _job(n: int = 1, **status: Any) -> dict[str, Any]:
    return {"metadata": {"uid": UID}, "spec": {"completions": n, "parallelism": n},
            "status": status}  # fmt: skip


def _pod(
    phase: str = "Pending",
    *,
    user: dict[str, Any] | None = None,
    storage: dict[str, Any] | None = None,
    conditions: list[dict[str, Any]] | None = None,
    **status: Any,
) -> dict[str, Any]:
    parts = {"user": ("initContainerStatuses", user), "storage": ("containerStatuses", storage)}
    made: dict[str, Any] = {"phase": phase, "conditions": conditions or [], **status}
    for name, (field, state) in parts.items():
        if state is not None:
            made[field] = [{"name": name, "image": f"{name}:1", **state}]
    return {"metadata": {"name": "p-0", "uid": "pod-uid"}, "spec": {"nodeName": "node-1"},
            "status": made}  # fmt: skip


def _waiting(why: str, said: str = "", /, **last: Any) -> dict[str, Any]:
    return {"state": {"waiting": {"reason": why, "message": said}},
            "lastState": {"terminated": last} if last else {}}  # fmt: skip


def _ended(code: int, reason: str = "Error", message: str = "") -> dict[str, Any]:
    return {"state": {"terminated": {"exitCode": code, "reason": reason, "message": message}}}


def _event(reason: str, message: str, *, uid: str = UID, at: str = "1", count: int = 1) -> Any:
    return {"reason": reason, "message": message, "involvedObject": {"uid": uid},
            "lastTimestamp": at, "count": count}  # fmt: skip


def _diagnose(*pods: Any, events: Any = (), job: Any = None, has_worked: bool = False) -> Diagnosis:
    return diagnose(job or _job(max(1, len(pods))), pods, events, has_worked=has_worked)


RUNNING = {"state": {"running": {"startedAt": "x"}}}


def test_pods_that_work_say_nothing() -> None:
    found = _diagnose(_pod("Running", user=RUNNING, storage=RUNNING), _pod("Succeeded"))

    assert found == Diagnosis(alive=1, working=1, failures=0)


@pytest.mark.parametrize(
    ("pod", "events", "notice"),
    [
        (_pod(user=_waiting("ImagePullBackOff", "Back-off pulling image: not found")), (),
         "ImagePullBackOff: image 'user:1' cannot be pulled: Back-off pulling image: not found"),
        (_pod(user=_waiting("ErrImagePull", "no such\nhost")), (),
         "ErrImagePull: image 'user:1' cannot be pulled: no such host"),
        (_pod(storage=_waiting("CreateContainerConfigError", 'secret "keys" not found')), (),
         'CreateContainerConfigError: container storage: secret "keys" not found'),
        (_pod(user=_waiting("RunContainerError", "", exitCode=128, reason="StartError",
                            message='exec: "/pfs-shim/busybox": permission denied')), (),
         ("RunContainerError: container user of image 'user:1' cannot stay up: "
          'exec: "/pfs-shim/busybox": permission denied (exit code 128)')),
        (_pod(user=_waiting("CrashLoopBackOff", "back-off", exitCode=1, reason="Error")), (),
         "CrashLoopBackOff: container user of image 'user:1' cannot stay up: Error (exit code 1)"),
        (_pod("Running", user=RUNNING | {"lastState": {"terminated": {"reason": "OOMKilled"}}},
              storage=RUNNING), (),
         ("OOMKilled: user code took more memory than resource_limits.memory allows and was "
          "ended; its datum is tried again")),
        (_pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                           "message": "0/2 nodes are available: 2 Insufficient cpu."}]), (),
         "Unschedulable: 0/2 nodes are available: 2 Insufficient cpu."),
        (_pod("Running", storage=RUNNING,
              conditions=[{"type": "DisruptionTarget", "status": "True",
                           "reason": "DeletionByTaintManager", "message": "NoExecute taint"}]), (),
         "DeletionByTaintManager: node node-1 loses its workers: NoExecute taint"),
        (_pod(user=_waiting("PodInitializing")),
         [_event("FailedMount", 'secret "db" not found', uid="pod-uid"),
          _event("FailedMount", "of another pod", uid="elsewhere", at="9")],
         'FailedMount: secret "db" not found'),
        (_pod(user=_waiting("PodInitializing")),
         [{"reason": "Failed", "message": 'Error: secret "db" not found', "lastTimestamp": "1",
           "involvedObject": {"uid": "pod-uid", "fieldPath": "spec.initContainers{user}"}}],
         'Failed: container user: secret "db" not found'),
    ],
    ids=["pull", "registry", "secret's key", "start", "crash", "memory", "no node", "lost node",
         "volume", "sidecar's secret"],
)  # fmt: skip
def test_a_pod_that_waits_says_why(pod: Any, events: Any, notice: str) -> None:
    found = _diagnose(pod, events=events)

    assert found.notice == notice
    assert found.problem is None
    assert found.alive == 1


def test_a_pod_that_is_being_deleted_does_not_work_whatever_it_says() -> None:
    pod = _pod("Running", storage=RUNNING)
    pod["metadata"]["deletionTimestamp"] = "x"

    assert _diagnose(pod).working == 0


@pytest.mark.parametrize("reason", ["InvalidImageName", "ErrImageNeverPull"])
def test_what_cannot_pass_is_a_problem_until_something_has_worked(reason: str) -> None:
    pod = _pod(user=_waiting(reason, "Container image is not present"))

    assert _diagnose(pod).problem == f"{reason}: image 'user:1': Container image is not present"
    assert _diagnose(pod, has_worked=True).problem is None
    assert _diagnose(pod, has_worked=True).notice is not None


def test_user_code_that_was_ended_for_its_memory_is_told_for_a_minute() -> None:
    ended = {"terminated": {"reason": "OOMKilled", "finishedAt": "2026-11-21T12:00:00Z"}}
    pod = _pod("Running", user=RUNNING | {"lastState": ended}, storage=RUNNING)

    def told(minute: int) -> str | None:
        now = datetime(2026, 11, 21, 12, minute, tzinfo=UTC)
        return diagnose(_job(1), [pod], (), has_worked=True, now=now).notice

    assert (told(0) or "").startswith("OOMKilled")
    assert told(2) is None


def test_a_worker_that_failed_is_told_until_it_is_replaced() -> None:
    failed = _pod("Failed", storage=_ended(143, message="told to stop"))
    working = _pod("Running", storage=RUNNING)

    assert "told to stop" in (_diagnose(failed, job=_job(1), has_worked=True).notice or "")
    assert _diagnose(failed, working, job=_job(1), has_worked=True).notice is None


def test_a_quota_is_told_while_there_are_fewer_pods_than_wanted() -> None:
    quota = 'Error creating: pods "up-0-x" is forbidden: exceeded quota: small, requested: pods=1'
    events = [_event("FailedCreate", quota, count=50), _event("FailedCreate", "old", at="0"),
              _event("FailedCreate", "another Job's", uid="other", at="9")]  # fmt: skip
    working = _pod("Running", storage=RUNNING)

    some = _diagnose(working, events=events, job=_job(2))

    assert some.notice == "FailedCreate: forbidden: exceeded quota: small, requested: pods=1"
    assert some.problem is None
    assert _diagnose(events=events).problem is None
    assert _diagnose(working, events=events).notice is None
    assert _diagnose(working, events=events, job=_job(2, succeeded=1)).notice is None


def test_a_pod_that_is_forbidden_again_and_again_is_a_problem() -> None:
    text = 'Error creating: pods "up-0-" is forbidden: error looking up service account work/no'

    assert _diagnose(events=[_event("FailedCreate", text, count=2)]).problem is None
    found = _diagnose(events=[_event("FailedCreate", text, count=3)])

    assert found.problem == "FailedCreate: forbidden: error looking up service account work/no"


def test_three_workers_that_failed_without_work_are_a_problem_with_their_words() -> None:
    failed = _pod("Failed", storage=_ended(1, message="error: store s3://x does not answer\n"))
    two, three = _diagnose(failed, failed), _diagnose(failed, failed, failed)

    sentence = "worker p-0 exited with code 1: error: store s3://x does not answer"
    assert (two.notice, two.problem, two.failures) == (sentence, None, 2)
    assert three.problem == f"3 workers failed without any work done: {sentence}"
    assert _diagnose(failed, failed, failed, has_worked=True).problem is None


@pytest.mark.parametrize(
    ("pod", "sentence"),
    [
        (_pod("Failed", storage=_ended(137, "OOMKilled")), "sidecar_resource_limits.memory"),
        (_pod("Failed", storage=_ended(2)), "exited with code 2: Error"),
        (_pod("Failed", reason="Evicted", message="The node was low on memory."),
         "Evicted: pod p-0: The node was low on memory."),
        (_pod("Failed", storage=_ended(0)), "Failed: pod p-0: no reason given"),
    ],
    ids=["memory", "silent", "evicted", "unknown"],
)  # fmt: skip
def test_a_worker_that_failed_says_why(pod: Any, sentence: str) -> None:
    found = _diagnose(pod)

    assert found.notice is not None
    assert sentence in found.notice
    assert found.alive == 0


def test_a_job_that_is_given_up_is_a_problem_with_the_last_failure() -> None:
    job = _job(status={}, conditions=[
        {"type": "FailureTarget", "status": "True", "message": "Job has failed indexes"}
    ])  # fmt: skip
    failed = _pod("Failed", storage=_ended(1, message="no space left"))

    found = _diagnose(failed, job=job, has_worked=True)

    assert found.problem == (
        "Kubernetes has given the workers up: Job has failed indexes: "
        "worker p-0 exited with code 1: no space left"
    )
    assert _diagnose(job=job).problem == (
        "Kubernetes has given the workers up: Job has failed indexes"
    )


def test_what_most_pods_say_is_told() -> None:
    lonely = _pod(user=_waiting("ErrImagePull", "once"))
    many = _pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "no room"}])

    assert _diagnose(lonely, many, many).notice == "Unschedulable: no room"


def test_long_words_are_cut() -> None:
    found = _diagnose(_pod(user=_waiting("ErrImagePull", "x" * 5000)))

    assert found.notice is not None
    assert len(found.notice) < 500
    assert found.notice.endswith("…")


def test_a_notice_lasts_as_long_as_it_may_and_silence_no_longer() -> None:
    waiting = Diagnosis(alive=0, working=0, failures=0, notice="Unschedulable: no room")
    silent = Diagnosis(alive=2, working=2, failures=0)

    early = judge(waiting, silent_s=10, start_timeout_s=60)
    late = judge(waiting, silent_s=61, start_timeout_s=60)

    assert (early.alive, early.notice, early.problem) == (1, "Unschedulable: no room", None)
    assert (
        late.problem
        == "no worker gave a sign of life for 60 s (k8s_start_timeout_s): Unschedulable: no room"
    )
    assert "kubectl describe" in (judge(silent, silent_s=61, start_timeout_s=60).problem or "")
    assert judge(silent, silent_s=5, start_timeout_s=60).problem is None

"""Which pods will never start, from JSON as a real cluster (1.34) gave it."""

from typing import Any

import pytest

from pfs_provider.k8s.obstacles import Obstacle, find_obstacle

NO_NETWORK = (
    'failed to resolve reference "docker.io/library/nothing:9": failed to do request: Head '
    '"https://registry-1.docker.io/v2/library/nothing/manifests/9": dial tcp: lookup '
    "registry-1.docker.io on 10.255.255.53:53: connect: network is unreachable"
)


def _pod(
    reason: str = "PodInitializing", message: str = "", *, phase: str = "Pending", **spec: Any
) -> dict[str, Any]:
    waiting = {"reason": reason, "message": message}
    status = {"name": "user", "image": "i:1", "state": {"waiting": waiting}}
    return {
        "metadata": {"name": "p", "uid": "pod-uid"},
        "spec": spec,
        "status": {"phase": phase, "initContainerStatuses": [status]},
    }


def _unscheduled(message: str) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "message": message}
    return {
        "metadata": {"name": "p", "uid": "pod-uid"},
        "status": {"phase": "Pending", "conditions": [condition]},
    }


def _event(message: str) -> dict[str, Any]:
    about = {"uid": "pod-uid"}
    return {"reason": "FailedMount", "message": message, "involvedObject": about}


@pytest.mark.parametrize(
    "pod",
    [
        _pod("CreateContainerConfigError", 'secret "nope" not found'),
        _pod("CreateContainerConfigError", "couldn't find key k in Secret work/nope"),
        _pod("CreateContainerConfigError", 'configmap "nope" not found'),
        _pod(
            "CreateContainerConfigError",
            "container has runAsNonRoot and image will run as root (nope)",
        ),
        _pod("InvalidImageName", 'couldn\'t parse image name "nope:::"'),
        _pod("ErrImageNeverPull", 'image "nope" is not present with pull policy of Never'),
        _pod("ErrImagePull", "docker.io/library/nope:9: not found"),
        _pod("ImagePullBackOff", 'Back-off pulling image "nope": ErrImagePull: pull access denied'),
        _unscheduled('0/2 nodes are available: persistentvolumeclaim "nope" not found. not found'),
    ],
)
def test_what_is_missing_is_final_and_named(pod: dict[str, Any]) -> None:
    found = find_obstacle(pod, [])

    assert found is not None
    assert found.is_final
    assert "nope" in found.text


@pytest.mark.parametrize(
    "said",
    [
        'MountVolume.SetUp failed for volume "v" : secret "nope" not found',
        'MountVolume.SetUp failed for volume "v" : references non-existent secret key: nope',
    ],
)
def test_what_a_volume_lacks_is_told_by_events(said: str) -> None:
    found = find_obstacle(_pod(), [_event(said)])

    assert found == Obstacle(text=f"FailedMount: {said}", is_final=True)


@pytest.mark.parametrize(
    ("pod", "events"),
    [
        (_pod("ImagePullBackOff", NO_NETWORK), []),
        (_pod("CreateContainerConfigError", "failed to sync secret cache: timed out"), []),
        (_pod(), [_event('MountVolume.SetUp failed for volume "nfs" : mount failed: exit 32')]),
    ],
    ids=["no network", "not fetched yet", "a server that is away"],
)
def test_what_may_pass_is_not_final(pod: dict[str, Any], events: list[dict[str, Any]]) -> None:
    found = find_obstacle(pod, events)

    assert found is not None
    assert not found.is_final


@pytest.mark.parametrize(
    "pod",
    [
        _unscheduled("0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are …"),
        _unscheduled("pod has unbound immediate PersistentVolumeClaims"),
        _pod(),
        _pod("CreateContainerConfigError", 'secret "nope" not found', phase="Failed"),
    ],
    ids=["no room", "a volume that is made", "on its way", "over"],
)
def test_room_and_time_are_no_obstacles(pod: dict[str, Any]) -> None:
    assert find_obstacle(pod, []) is None


def test_the_keys_of_a_secret_that_is_missing_are_told() -> None:
    env = [
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "nope", "key": "token"}}},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "other", "key": "else"}}},
    ]
    pod = _pod(
        "CreateContainerConfigError", 'secret "nope" not found', initContainers=[{"env": env}]
    )

    found = find_obstacle(pod, [])

    assert found is not None
    assert found.text.endswith('secret "nope" not found (wanted for its key token)')

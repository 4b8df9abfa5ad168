"""How and where pods are made: the settings ``k8s_…`` as one plain value.

Invariants: a value is made by ``make_cluster`` only, which says what is wrong in the words of the
settings; nothing here has looked at a cluster yet.
Must not know: the environment, the kubernetes package.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from pfs_provider.errors import ErrorCode, RefusedError

__all__ = ["Cluster", "make_cluster"]

PULL_POLICIES = ("IfNotPresent", "Always", "Never")
SECURITY = ("baseline", "restricted")
MIN_PORT = 1024
"""Workers are not root."""
MAX_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """How and where pods are made.

    Args:
        namespace: Where Jobs are made; it must exist.
        worker_image: Image of the storage worker: this package.
        user_image: For specs without an image.
        service_account: Of the pods; its token is mounted nowhere.
        store_secret: Secret with the store's credentials as variables (``AWS_ACCESS_KEY_ID``, …);
            None makes one per Job, from the credentials of whoever launches it.
        store_url: The store as pods reach it, where that differs.
        image_pull_policy: Of all containers.
        kubeconfig: File that says where the cluster is; None looks where kubectl looks, then for
            the service account of a pod.
        context: Which entry of it.
        labels: More labels for Jobs and pods.
        annotations: More annotations for Jobs and pods.
        pod_patch: JSON patch or merge patch for every pod, before that of the spec.
        security: ``baseline``, or ``restricted``, which also takes root from user code.
        start_timeout_s: Seconds without any sign of life after which the workers are given up.
        ttl_s: Seconds that a Job that has ended stays to be looked at.
        max_workers: More workers than that are refused.
        metrics_port: Workers serve Prometheus metrics there, and say so in annotations; None means
            they do not.
    """

    namespace: str = "default"
    worker_image: str
    user_image: str | None = None
    service_account: str | None = None
    store_secret: str | None = None
    store_url: str | None = None
    image_pull_policy: str = "IfNotPresent"
    kubeconfig: str | None = None
    context: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    pod_patch: str = ""
    security: str = "baseline"
    start_timeout_s: float = 300.0
    ttl_s: int = 600
    max_workers: int = 1000
    metrics_port: int | None = None


def make_cluster(values: Mapping[str, Any]) -> Cluster:
    """Return the cluster that settings and arguments describe; what is None does not count.

    Raises:
        RefusedError: ``settings-illegal`` naming the setting.
    """
    given = {name: value for name, value in values.items() if value is not None}
    known = [field.name for field in fields(Cluster)]
    for name in given:
        if name not in known:
            raise _refuse(name, f"there is no such setting: {', '.join(known)}")
    if not given.get("worker_image"):
        raise _refuse("worker_image", "name the image that has this package in it")
    _check_choice(given, "image_pull_policy", PULL_POLICIES)
    _check_choice(given, "security", SECURITY)
    for name in ("start_timeout_s", "max_workers"):
        if given.get(name, 1) <= 0:
            raise _refuse(name, f"{given[name]} has to be more than 0")
    port = given.get("metrics_port", MIN_PORT)
    if not MIN_PORT <= port <= MAX_PORT:
        raise _refuse("metrics_port", f"{port} is not between {MIN_PORT} and {MAX_PORT}")
    if given.get("ttl_s", 0) < 0:
        raise _refuse("ttl_s", f"{given['ttl_s']} has to be 0 or more")
    return Cluster(**given)


def _check_choice(given: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> None:
    value = given.get(name, choices[0])
    if value not in choices:
        raise _refuse(name, f"{value!r} is none of {', '.join(choices)}")


def _refuse(name: str, why: str) -> RefusedError:
    return RefusedError(
        ErrorCode.SETTINGS_ILLEGAL,
        f"setting 'k8s_{name}' (PFS_K8S_{name.upper()}, or {name} where the cluster is an "
        f"argument): {why}",
        setting=f"k8s_{name}",
    )

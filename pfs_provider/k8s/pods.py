"""The pod of one worker: the storage worker is its main container, user code a native sidecar.

Invariants: the store's credentials are in ``storage`` alone; no container has a token of the
cluster; the pod ends when ``storage`` does, so nothing is cut off while it uploads. A patch sees
the pod as Pachyderm made it, user code first among the containers, and can take none of this away.
Pure: equal arguments give equal pods (docs/design/0009). Must not know: clusters, Jobs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.k8s.cluster import Cluster
from pfs_provider.k8s.patches import apply_patch
from pfs_provider.k8s.resources import render_resources
from pfs_provider.spec.model import PipelineSpec, Toleration

__all__ = ["INSTALL", "STORAGE", "USER", "StoreAccess", "render_pod"]

INSTALL, STORAGE, USER = "install", "storage", "user"
WORKER_ID = 65532
"""User and group of our containers, and the group that owns the volumes."""
SHIM = "/pfs-shim"
VOLUME = "/pfs-volume"
DATUM = "datum"
GRACE_S = 30
"""Seconds from being told to stop to being killed: user code is ended, the set is given back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAccess:
    """How workers reach the store.

    Args:
        url: As pods reach it; no secret is in it.
        secret: Name of the Secret whose entries are variables for the store's client.
        lease_s: Seconds of silence after which a worker counts as gone.
    """

    url: str
    secret: str
    lease_s: float


def render_pod(
    cluster: Cluster, job: JobRef, spec: PipelineSpec, n_workers: int, access: StoreAccess
) -> dict[str, Any]:
    """Return the spec of the pods that work a job.

    Raises:
        RefusedError: ``spec-illegal`` or ``settings-illegal`` naming the field that Kubernetes
            cannot carry out, or the patch that cannot be applied.
    """
    pod: dict[str, Any] = {
        "initContainers": [_install(cluster)],
        # As Pachyderm orders them: paths of a pod_patch, such as /containers/0/env, mean user code.
        "containers": [_user(cluster, spec), _storage(cluster, job, spec, n_workers, access)],
        "volumes": _volumes(cluster, spec),
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE_S,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "fsGroup": WORKER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    pod |= _placement(cluster, spec)
    patched: object = apply_patch(pod, cluster.pod_patch, field="k8s_pod_patch")
    patched = apply_patch(patched, spec.pod_spec, field="pod_spec")
    patched = apply_patch(patched, spec.pod_patch, field="pod_patch")
    return _as_sidecars(_checked(patched, access.secret))


def _install(cluster: Cluster) -> dict[str, Any]:
    return {
        "name": INSTALL,
        "image": cluster.worker_image,
        "imagePullPolicy": cluster.image_pull_policy,
        "command": ["python", "-m", "pfs_provider.worker.shim.install"],
        "args": [SHIM, "--volume", VOLUME],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "shim", "mountPath": SHIM},
            {"name": "pfs", "mountPath": VOLUME},
        ],
        "securityContext": _worker_security(),
    }


def _user(cluster: Cluster, spec: PipelineSpec) -> dict[str, Any]:
    image = spec.transform.image or cluster.user_image
    if not image:
        raise RefusedError(
            ErrorCode.SPEC_ILLEGAL,
            "transform.image: it is missing, and the settings have none: name one there, or "
            "k8s_user_image in the settings",
            field="transform.image",
        )
    container: dict[str, Any] = {
        "name": USER,
        "image": image,
        "imagePullPolicy": cluster.image_pull_policy,
        "command": [f"{SHIM}/busybox", "sh", f"{SHIM}/shim.sh"],
        "volumeMounts": [
            # FIFOs can be written all the same, and nothing else is user code's to change.
            {"name": "shim", "mountPath": SHIM, "readOnly": True},
            {"name": "pfs", "mountPath": "/pfs", "subPath": DATUM},
        ],
        "securityContext": _user_security(cluster, spec),
    }
    if cluster.security == "restricted":
        container["volumeMounts"].append({"name": "user-tmp", "mountPath": "/tmp"})  # noqa: S108 theirs
    environment = [
        {
            "name": secret.env_var,
            "valueFrom": {"secretKeyRef": {"name": secret.name, "key": secret.key}},
        }
        for secret in spec.transform.secrets
        if secret.env_var
    ]
    if environment:
        container["env"] = environment
    container["volumeMounts"] += [
        {"name": _secret_volume(number), "mountPath": secret.mount_path, "readOnly": True}
        for number, secret in enumerate(spec.transform.secrets)
        if secret.mount_path
    ]
    resources = render_resources(spec.resource_requests, spec.resource_limits)
    return container | ({"resources": resources} if resources else {})


def _storage(
    cluster: Cluster, job: JobRef, spec: PipelineSpec, n_workers: int, access: StoreAccess
) -> dict[str, Any]:
    memory = spec.resource_limits.memory
    container: dict[str, Any] = {
        "name": STORAGE,
        "image": cluster.worker_image,
        "imagePullPolicy": cluster.image_pull_policy,
        "command": ["python", "-m", "pfs_provider.worker"],
        "args": [
            f"{job.pipeline.project}/{job.pipeline.name}@{job.id}",
            *("--number", "$(JOB_COMPLETION_INDEX)", "--of", str(n_workers), "--name", "k8s"),
            *("--executor", "shim", "--shim", SHIM, "--root", f"{VOLUME}/{DATUM}"),
            *("--lease", f"{access.lease_s:g}", "--scratch", "/scratch", "--log-json"),
            *("--termination-log", "/dev/termination-log"),
            # Only to be told when user code dies of it: the kernel does the limiting.
            *(("--memory-limit", memory) if memory else ()),
            *(("--serial",) if _is_room_scarce(spec) else ()),
            *_metrics_arguments(cluster),
        ],
        "env": [
            {"name": "PFS_STORE", "value": access.url},
            {"name": "PFS_CONFIG", "value": "/dev/null"},
            {"name": "HOME", "value": "/scratch"},
            {"name": "TMPDIR", "value": "/scratch"},
        ],
        # Where the worker could not say why it ended, its last words do.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "envFrom": [{"secretRef": {"name": access.secret}}],
        "volumeMounts": [
            {"name": "shim", "mountPath": SHIM},
            {"name": "pfs", "mountPath": VOLUME},
            {"name": "scratch", "mountPath": "/scratch"},
        ],
        "securityContext": _worker_security(),
    }
    resources = render_resources(spec.sidecar_resource_requests, spec.sidecar_resource_limits)
    return container | ({"resources": resources} if resources else {})


def _is_room_scarce(spec: PipelineSpec) -> bool:
    """Return whether a second datum beside the one that runs could end the pod."""
    return spec.transform.memory_volume or bool(spec.resource_limits.disk)


def _metrics_arguments(cluster: Cluster) -> tuple[str, ...]:
    if cluster.metrics_port is None:
        return ()
    return ("--metrics-port", str(cluster.metrics_port), "--metrics-host", "0.0.0.0")  # noqa: S104 a pod's


def _volumes(cluster: Cluster, spec: PipelineSpec) -> list[dict[str, Any]]:
    memory = {"medium": "Memory"} if spec.transform.memory_volume else {}
    volumes: list[dict[str, Any]] = [
        {"name": "pfs", "emptyDir": memory},
        {"name": "shim", "emptyDir": {}},
        {"name": "scratch", "emptyDir": {}},
    ]
    if cluster.security == "restricted":
        volumes.append({"name": "user-tmp", "emptyDir": {}})
    for number, secret in enumerate(spec.transform.secrets):
        if secret.mount_path:
            source: dict[str, Any] = {"secretName": secret.name}
            if secret.key:
                source["items"] = [{"key": secret.key, "path": secret.key}]
            volumes.append({"name": _secret_volume(number), "secret": source})
    return volumes


def _secret_volume(number: int) -> str:
    return f"secret-{number}"


def _worker_security() -> dict[str, Any]:
    return {
        "runAsUser": WORKER_ID,
        "runAsGroup": WORKER_ID,
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


def _user_security(cluster: Cluster, spec: PipelineSpec) -> dict[str, Any]:
    user = spec.transform.user
    security: dict[str, Any] = {"allowPrivilegeEscalation": False}
    if user:
        if not user.isdigit():
            raise RefusedError(
                ErrorCode.SPEC_ILLEGAL,
                f"transform.user: {user!r} is a name, which only the image knows: Kubernetes takes "
                'its number, for example "1000"',
                field="transform.user",
            )
        security["runAsUser"] = int(user)
    if cluster.security == "restricted":
        return security | {
            "runAsNonRoot": True,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    # Root in the image stays root, as Pachyderm's users expect; raw sockets and devices do not.
    return security | {"capabilities": {"drop": ["AUDIT_WRITE", "MKNOD", "NET_RAW"]}}


def _placement(cluster: Cluster, spec: PipelineSpec) -> dict[str, Any]:
    scheduling = spec.scheduling_spec
    wanted: dict[str, Any] = {
        "serviceAccountName": cluster.service_account,
        "nodeSelector": dict(scheduling.node_selector),
        "priorityClassName": scheduling.priority_class_name,
        "tolerations": [_toleration(toleration) for toleration in spec.tolerations],
        "imagePullSecrets": [{"name": name} for name in spec.transform.image_pull_secrets],
    }
    return {name: value for name, value in wanted.items() if value}


def _toleration(toleration: Toleration) -> dict[str, Any]:
    wanted = {
        "key": toleration.key,
        "operator": toleration.operator,
        "value": toleration.value,
        "effect": toleration.effect,
        "tolerationSeconds": toleration.toleration_seconds,
    }
    return {name: value for name, value in wanted.items() if value not in {"", None}}


def _checked(pod: object, store_secret: str) -> dict[str, Any]:
    """Return a patched pod if it is one that can work and keeps what it has to."""
    if not isinstance(pod, dict):
        raise _refuse("", "it takes the whole pod away")
    for name in ("hostPID", "hostIPC", "shareProcessNamespace", "automountServiceAccountToken"):
        if pod.get(name):
            why = {
                "automountServiceAccountToken": "user code would get a token of the cluster; mount "
                "a projected serviceAccountToken where one is needed",
            }.get(name, "user code could look into the worker, which holds the store's credentials")
            raise _refuse(name, why)
    if pod.get("restartPolicy") != "Never":
        raise _refuse("restartPolicy", "a worker that is lost is replaced by its Job: Never")
    containers = pod.get("containers")
    found = {part.get("name"): part for part in _objects(containers)}
    for name in (USER, STORAGE):
        if name not in found:
            raise _refuse("containers", f"the container {name!r} has to stay: add to the list")
    if INSTALL not in {part.get("name") for part in _objects(pod.get("initContainers"))}:
        raise _refuse("initContainers", f"the container {INSTALL!r} has to stay: add to the list")
    others = [part for name, part in found.items() if name != STORAGE]
    if _reads_secret(pod, others, store_secret):
        raise _refuse("containers", f"the secret {store_secret!r} is the worker's alone")
    return pod


def _reads_secret(pod: Mapping[str, Any], containers: list[Any], secret: str) -> bool:
    """Return whether one of the containers gets at a Secret, by a variable or a volume."""
    volumes = {
        volume.get("name")
        for volume in _objects(pod.get("volumes"))
        if (volume.get("secret") or {}).get("secretName") == secret
    }
    for container in containers:
        for entry in _objects(container.get("envFrom")):
            if (entry.get("secretRef") or {}).get("name") == secret:
                return True
        for entry in _objects(container.get("env")):
            source = (entry.get("valueFrom") or {}).get("secretKeyRef") or {}
            if source.get("name") == secret:
                return True
        if any(mount.get("name") in volumes for mount in _objects(container.get("volumeMounts"))):
            return True
    return False


def _objects(value: object) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _refuse(name: str, why: str) -> RefusedError:
    return RefusedError(
        ErrorCode.SPEC_ILLEGAL,
        f"pod_patch or pod_spec sets {name or 'the pod'}: {why}",
        field="pod_patch",
    )


def _as_sidecars(pod: dict[str, Any]) -> dict[str, Any]:
    """Leave ``storage`` as the only main container: the pod ends when it does."""
    containers: list[dict[str, Any]] = pod["containers"]
    sidecars = [part | {"restartPolicy": "Always"} for part in containers if part["name"] == USER]
    added = [
        part | {"restartPolicy": "Always"}
        for part in containers
        if part["name"] not in {USER, STORAGE}
    ]
    return pod | {
        "initContainers": [*pod["initContainers"], *added, *sidecars],
        "containers": [part for part in containers if part["name"] == STORAGE],
    }

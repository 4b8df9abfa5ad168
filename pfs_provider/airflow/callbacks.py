"""``pfs_mount``: commits in the pod of an existing KubernetesPodOperator, its image unchanged.

Invariants: the store's credentials are in containers of ours only; what the pod reads is the commit
that was there when the task began, and what it wrote becomes one commit with these as provenance.
Must not know: what the pod does.
"""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback
from airflow.sdk.exceptions import AirflowException
from kubernetes.client import (
    V1Container,
    V1EmptyDirVolumeSource,
    V1EnvFromSource,
    V1EnvVar,
    V1ExecAction,
    V1Pod,
    V1Probe,
    V1SecretEnvSource,
    V1Volume,
    V1VolumeMount,
)

from pfs_provider.airflow.error_table import airflow_errors
from pfs_provider.airflow.hook import DEFAULT_CONNECTION, PfsHook
from pfs_provider.airflow.links import COMMIT_XCOM
from pfs_provider.airflow.runs import run_facts
from pfs_provider.clock import SystemClock

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["pfs_mount"]

VOLUME = "pfs"
ROOT = "/pfs"
READY = "/tmp/pfs-ready"  # noqa: S108 the container's own
INPUTS = "pfs/inputs"
"""Annotation that tells which commits the pod reads."""
GRACE_S = 3600
"""Seconds that the sidecar has to store what was written, once the others have ended."""
POLL_S = 1.0
MODULE = ["python", "-m", "pfs_provider.worker.mounts"]


def pfs_mount(  # noqa: PLR0913 each is one fact of the mount
    inputs: Mapping[str, str],
    *,
    worker_image: str,
    store: str,
    store_secret: str,
    output: str | None = None,
    container: str = "base",
    pfs_conn_id: str = DEFAULT_CONNECTION,
) -> type[KubernetesPodOperatorCallback]:
    """Return what goes into ``KubernetesPodOperator(callbacks=…)``.

    Args:
        inputs: Folder below ``/pfs``, and the commit that goes there: ``repo@branch``, ``repo@id``.
        worker_image: Image with this package.
        store: URL of the store as pods reach it.
        store_secret: Secret with the store's credentials as variables, in the pod's namespace.
        output: ``[project/]repo@branch`` that takes what the pod leaves in ``/pfs/out``, if it ends
            well. Not with ``deferrable=True``: nobody is there then to make the commit.
        container: The container that sees ``/pfs``.
        pfs_conn_id: The Airflow connection to the catalog.

    Returns:
        A class. The commit's reference becomes the task's XCom ``pfs_commit``.
    """

    class PfsMount(KubernetesPodOperatorCallback):
        """Puts commits into the pod, and keeps what it wrote."""

        @staticmethod
        def on_pod_manifest_created(*, pod_request: V1Pod, context: "Context", **_: Any) -> None:
            """Add our containers to the pod that is about to be made."""
            with airflow_errors(), PfsHook(pfs_conn_id).get_conn() as pfs:
                found = {name: pfs.mount_commit(ref) for name, ref in inputs.items()}
            access: dict[str, Any] = {
                "image": worker_image,
                "env": [V1EnvVar(name="PFS_STORE", value=store)],
                "env_from": [V1EnvFromSource(secret_ref=V1SecretEnvSource(name=store_secret))],
                "volume_mounts": [V1VolumeMount(name=VOLUME, mount_path=ROOT)],
            }
            added = [
                V1Container(
                    name=f"pfs-restore-{number}",
                    command=[*MODULE, "restore", mounted.tree, f"{ROOT}/{name}"],
                    **access,
                )
                for number, (name, mounted) in enumerate(found.items())
            ]
            if output is not None:
                added.append(
                    V1Container(
                        name="pfs-keep",
                        command=[*MODULE, "keep", ROOT, _key(context), "--ready", READY],
                        restart_policy="Always",
                        startup_probe=V1Probe(
                            _exec=V1ExecAction(command=["cat", READY]),
                            period_seconds=1,
                            failure_threshold=120,
                        ),
                        **access,
                    )
                )
                pod_request.spec.termination_grace_period_seconds = GRACE_S
            _add(pod_request, added, container)
            refs = " ".join(mounted.commit for mounted in found.values())
            about = pod_request.metadata
            about.annotations = {**(about.annotations or {}), INPUTS: refs}

        @staticmethod
        def on_pod_completion(*, pod: V1Pod, client: Any, context: "Context", **_: Any) -> None:
            """Make a commit of what the pod left, if it ended well."""
            if output is None or pod is None:
                return
            if _ended(client, pod).status.phase != "Succeeded":
                return  # the task fails of it
            refs = (pod.metadata.annotations or {}).get(INPUTS, "").split()
            with airflow_errors(), PfsHook(pfs_conn_id).get_conn() as pfs:
                made = pfs.commit_mounted(
                    output,
                    _key(context),
                    provenance=refs,
                    run=run_facts(context),
                    commit_id=_digest(context),
                )
            reference = f"{made.project}/{made.repo}@{made.id}"
            context["ti"].xcom_push(key=COMMIT_XCOM, value=reference)

    return PfsMount


def _add(pod: V1Pod, containers: list[V1Container], name: str) -> None:
    spec = pod.spec
    seeing = [part for part in spec.containers if part.name == name]
    if not seeing:
        names = ", ".join(part.name for part in spec.containers)
        raise AirflowException(f"pfs_mount: the pod has no container {name!r}, only {names}")
    spec.volumes = [
        *(spec.volumes or []),
        V1Volume(name=VOLUME, empty_dir=V1EmptyDirVolumeSource()),
    ]
    spec.init_containers = [*containers, *(spec.init_containers or [])]
    mount = V1VolumeMount(name=VOLUME, mount_path=ROOT)
    seeing[0].volume_mounts = [*(seeing[0].volume_mounts or []), mount]


def _ended(client: Any, pod: V1Pod) -> V1Pod:
    """Return the pod when the sidecar has ended, too: the operator only waits for its own."""
    clock = SystemClock()
    end = clock.monotonic() + GRACE_S
    while pod.status.phase not in {"Succeeded", "Failed"} and clock.monotonic() < end:
        clock.sleep(POLL_S)
        pod = client.read_namespaced_pod(pod.metadata.name, pod.metadata.namespace)
    return pod


def _key(context: "Context") -> str:
    return f"mounts/{_digest(context)}"


def _digest(context: "Context") -> str:
    """Return a name of this very try: another one keeps, and commits, what it wrote itself."""
    facts = run_facts(context)
    text = "/".join([*(f"{facts[name]}" for name in sorted(facts)), f"{context['ti'].try_number}"])
    return hashlib.sha256(text.encode()).hexdigest()[:32]

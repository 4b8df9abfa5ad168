"""How a job's work reaches Argo's pods: numbers, and the parts of a pod that the spec decides.

Invariants: pure; the pod is the one that k8s/pods.py renders, as a podSpecPatch: the worker is
Argo's ``main``, which ends last, and user code is a native sidecar that the patch adds, so that
neither Argo's own files and variables nor a token of the cluster is in it (docs/design/0012).
Must not know: hera, the catalog.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pfs_provider.argo.names import WORKFLOW_LABEL
from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.launcher import Workers, find_s3_fields
from pfs_provider.k8s.cluster import Cluster
from pfs_provider.k8s.manifests import check_workers, render_job
from pfs_provider.k8s.pods import INSTALL, STORAGE, StoreAccess, render_pod
from pfs_provider.spec.model import PipelineSpec

__all__ = ["MAIN", "NO_TIMEOUT_S", "ArgoLauncher", "Work", "Workplace", "render_work"]

MAIN = "main"
"""What Argo calls the container whose end is the pod's."""
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 where it would be mounted
NO_TIMEOUT_S = 10 * 365 * 86400
MAX_PATCH_BYTES = 64 * 1024
"""A patch is stored once per pod in the workflow: 200 of the usual 2 KB are compressed to little,
those of a huge pod_patch are not; an Indexed Job holds it once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Where a workflow runs, and what of it bounds the work.

    Args:
        cluster: How pods are made there.
        access: How workers reach the store.
        uid: The workflow's.
        max_pods: More workers than that become one Indexed Job.
        catalog_secret: The Secret with the catalog's credentials, which no spec may name.
    """

    cluster: Cluster
    access: StoreAccess
    uid: str
    max_pods: int
    catalog_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a plan asks of Argo. Either ``pods`` or ``jobs`` is 0.

    Args:
        pods: How many pods of the template ``work`` to run.
        jobs: How many Indexed Jobs to make: 0 or 1.
        workers: How many workers there are in all.
        pod: The podSpecPatch of those pods, ``{}`` without any.
        manifest: The Indexed Job, ``{}`` without one.
        timeout_s: How long the work may take.
    """

    pods: int = 0
    jobs: int = 0
    workers: int = 0
    pod: str = "{}"
    manifest: str = "{}"
    timeout_s: int = NO_TIMEOUT_S


class ArgoLauncher:
    """Stands where a launcher is asked what workers can do; Argo itself starts them."""

    place = "workers in Argo"

    def find_unsupported(self, spec: PipelineSpec) -> tuple[str, ...]:
        """Return what does not exist yet. See Launcher.find_unsupported."""
        return find_s3_fields(spec)

    def launch(self, job: JobRef, spec: PipelineSpec, n_workers: int) -> Workers:
        """Refuse: a workflow's next step is what starts workers."""
        raise NotImplementedError(f"{job}: Argo starts the {n_workers} workers of {spec.key}")


def render_work(where: Workplace, job: JobRef, spec: PipelineSpec, n_workers: int) -> Work:
    """Return what Argo is to run for a planned job.

    Raises:
        RefusedError: The spec or a setting cannot be carried out; the field is named.
    """
    check_workers(where.cluster, spec, n_workers)
    timeout_s = NO_TIMEOUT_S if spec.job_timeout_s is None else max(1, int(spec.job_timeout_s))
    pod = render_pod(where.cluster, job, spec, n_workers, where.access)
    _check_catalog(pod, where.catalog_secret)
    patch = _text(_as_patch(pod))
    is_small = n_workers <= where.max_pods and len(patch) <= MAX_PATCH_BYTES
    if is_small and not _is_marked(where.cluster, spec):
        return Work(pods=n_workers, workers=n_workers, pod=patch, timeout_s=timeout_s)
    manifest = render_job(where.cluster, job, spec, n_workers, where.access)
    manifest["metadata"]["labels"] = manifest["metadata"]["labels"] | {WORKFLOW_LABEL: where.uid}
    # Nobody watches for signs of life here, so all may start at once.
    manifest["spec"] |= {"parallelism": n_workers, "activeDeadlineSeconds": timeout_s}
    return Work(jobs=1, workers=n_workers, manifest=_text(manifest), timeout_s=timeout_s)


def _is_marked(cluster: Cluster, spec: PipelineSpec) -> bool:
    """Return whether pods carry labels or annotations that somebody chose.

    The names of those in a template of Argo stand in the template, and its patch is of the pod's
    spec alone; but an admission rule or a NetworkPolicy may ask for them.
    """
    chosen = (spec.metadata.labels, spec.metadata.annotations, cluster.labels, cluster.annotations)
    return any(chosen) or cluster.metrics_port is not None


def _as_patch(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pod's spec as a patch of the one that Argo makes of the template ``work``."""
    kept = {
        name: value
        for name, value in pod.items()
        # Argo's own container needs the token, and the workflow says whose; others get none below.
        if name not in {"restartPolicy", "automountServiceAccountToken", "serviceAccountName"}
    }
    (storage,) = pod["containers"]
    kept["containers"] = [_without_image(storage) | {"name": MAIN}]
    kept["initContainers"] = [
        _without_image(part) if part["name"] == INSTALL else _without_token(part)
        for part in pod["initContainers"]
    ]
    kept["volumes"] = [*pod["volumes"], {"name": "no-token", "emptyDir": {}}]
    return kept


def _without_image(container: Mapping[str, Any]) -> dict[str, Any]:
    """Leave our image to the template: whoever installs it decides, not who submits."""
    return {name: value for name, value in container.items() if name != "image"}


def _without_token(container: Mapping[str, Any]) -> dict[str, Any]:
    """Mount nothing where the cluster would mount a token."""
    mounts = [*container.get("volumeMounts", ())]
    mounts.append({"name": "no-token", "mountPath": TOKEN_PATH, "readOnly": True})
    return {**container, "volumeMounts": mounts}


def _text(value: Mapping[str, Any]) -> str:
    """Return JSON in which Argo finds nothing to replace: ``{{`` is in strings only."""
    return json.dumps(value, separators=(",", ":")).replace("{{", "\\u007b\\u007b")


def _check_catalog(pod: Mapping[str, Any], secret: str) -> None:
    """Keep the catalog's credentials, which lie in the same namespace, from user code."""
    if secret in set(_secrets(pod)):
        raise RefusedError(
            ErrorCode.SPEC_ILLEGAL,
            f"the spec names the secret {secret!r}, which holds the catalog's credentials: no "
            f"pipeline may read it; {STORAGE} and user code need none of it",
            field="transform.secrets",
        )


def _secrets(value: object) -> Iterator[str]:
    """Yield the names of all Secrets that a part of a pod refers to."""
    if isinstance(value, list):
        for part in value:
            yield from _secrets(part)
    elif isinstance(value, Mapping):
        for name, part in value.items():
            if name in {"secretRef", "secretKeyRef", "secret"} and isinstance(part, Mapping):
                yield str(part.get("name") or part.get("secretName") or "")
            else:
                yield from _secrets(part)

"""What is sent to a cluster for one job: the Indexed Job and its Secret.

Invariants: pure, so that equal arguments give equal manifests and a dry run shows what is sent.
There is no podFailurePolicy: it implies that lost pods are replaced only after they reported, which
those of a dead node never do (docs/design/0009). Must not know: clients, time.
"""

import base64
from collections.abc import Mapping
from typing import Any

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.k8s.cluster import Cluster
from pfs_provider.k8s.names import MANAGED_BY, job_annotations, job_labels, job_name
from pfs_provider.k8s.pods import USER, StoreAccess, render_pod
from pfs_provider.spec.model import PipelineSpec

__all__ = [
    "CANARIES",
    "check_workers",
    "raise_parallelism",
    "render_job",
    "render_secret",
    "secret_name",
]

CANARIES = 4
"""Pods that run until one of them gave a sign of life: what is wrong is found by few."""
BACKOFF_PER_INDEX = 10
"""Pods that one worker may lose; each waits twice as long as the one before, from 10 s on."""


def render_job(
    cluster: Cluster, job: JobRef, spec: PipelineSpec, n_workers: int, access: StoreAccess
) -> dict[str, Any]:
    """Return the Job that works a job of ours, at first with ``CANARIES`` pods at a time.

    Raises:
        RefusedError: The spec, the settings or a patch cannot be carried out; the field is named.
    """
    check_workers(cluster, spec, n_workers)
    labels = {**spec.metadata.labels, **cluster.labels, **job_labels(job)}
    annotations = {**spec.metadata.annotations, **cluster.annotations, **job_annotations(job)}
    # kubectl logs and exec then mean the container that people want to see.
    pod_annotations = {**annotations, "kubectl.kubernetes.io/default-container": USER}
    if cluster.metrics_port is not None:
        port = str(cluster.metrics_port)
        pod_annotations |= {"prometheus.io/scrape": "true", "prometheus.io/port": port}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(job),
            "namespace": cluster.namespace,
            "labels": labels,
            "annotations": annotations,
        },
        "spec": {
            "completionMode": "Indexed",
            "completions": n_workers,
            "parallelism": min(n_workers, CANARIES),
            "backoffLimitPerIndex": BACKOFF_PER_INDEX,
            "ttlSecondsAfterFinished": cluster.ttl_s,
            "template": {
                "metadata": {"labels": labels, "annotations": pod_annotations},
                "spec": render_pod(cluster, job, spec, n_workers, access),
            },
        },
    }


def check_workers(cluster: Cluster, spec: PipelineSpec, n_workers: int) -> None:
    """Refuse more workers than the settings allow, whatever kind of pods they would be."""
    # Also where few datums need few workers: a spec that cannot be carried out is told at once.
    asked = max(n_workers, spec.parallelism) if n_workers > 0 else n_workers
    if not 1 <= asked <= cluster.max_workers:
        raise RefusedError(
            ErrorCode.SPEC_ILLEGAL,
            f"parallelism_spec.constant: {asked} workers are not between 1 and "
            f"{cluster.max_workers}: ask for fewer, or raise k8s_max_workers in the settings",
            field="parallelism_spec.constant",
        )


def raise_parallelism(job: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the patch that lets all pods of a Job run, None if they may already."""
    spec = job["spec"]
    if spec.get("parallelism", 1) >= spec["completions"]:
        return None
    return {"spec": {"parallelism": spec["completions"]}}


def secret_name(job: JobRef, attempt: str) -> str:
    """Return the name of the Secret of one attempt.

    Each has its own: the one of a Job that is gone may still be about to be collected.
    """
    return f"{job_name(job)}-{attempt[:8]}"


def render_secret(
    job: Mapping[str, Any], name: str, credentials: Mapping[str, str]
) -> dict[str, Any]:
    """Return the Secret of a Job that exists: it is deleted with the Job."""
    about = job["metadata"]
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in credentials.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": about["namespace"],
            "labels": {MANAGED_BY[0]: MANAGED_BY[1]},
            "ownerReferences": [
                {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "name": about["name"],
                    "uid": about["uid"],
                }
            ],
        },
        "type": "Opaque",
        "data": encoded,
    }

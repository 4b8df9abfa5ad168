"""Names of what Argo is given: templates, workflows, labels.

Invariants: a workflow's name depends on the job alone, so that a doubled event meets the workflow
that is there; it is legal whatever a pipeline is called, and leaves room for the node's part of a
pod's name. Must not know: hera, clusters.
"""

import hashlib
import re

from pfs_provider.k8s.names import MANAGED_BY, label_value
from pfs_provider.refs.names import PipelineKey

__all__ = [
    "ARGO_WORKFLOW",
    "CHANGE_LABEL",
    "CHECKOUT",
    "COMMIT",
    "KEEP",
    "MAP",
    "NO_START",
    "PIPELINE",
    "PIPELINES",
    "STEP_LABEL",
    "WORKFLOW_LABEL",
    "change_workflow_name",
    "job_workflow_name",
    "owner_name",
    "owner_scope",
    "workflow_labels",
]

PIPELINE = "pfs-pipeline"
PIPELINES = "pfs-pipelines"
MAP = "pfs-map"
COMMIT = "pfs-commit"
CHECKOUT = "pfs-checkout"
CHANGE_LABEL = "pfs.change"
ARGO_WORKFLOW = "workflows.argoproj.io/workflow"
"""Argo's own label on each pod that it makes: the workflow's name."""
STEP_LABEL = "pfs.step"
KEEP = "keep"
NO_START = "this worker will never start"
"""In the message of a pod that is given up: Argo is not to try again."""
WORKFLOW_LABEL = "pfs.workflow"
"""On an Indexed Job: the uid of the workflow that made it."""
SLUG = 24
"""Characters of a pipeline's name that are kept; a workflow's name is at most 46 long."""
DIGEST = 16


def job_workflow_name(pipeline: PipelineKey, job: str) -> str:
    """Return the name of the workflow that runs one job."""
    digest = hashlib.sha256(f"{pipeline.project}/{pipeline.name}@{job}".encode()).hexdigest()
    slug = re.sub(r"[^a-z0-9]+", "-", pipeline.name.lower())[:SLUG].strip("-")
    return "-".join(part for part in ("pfs", slug, digest[:DIGEST]) if part)


def change_workflow_name(change: str) -> str:
    """Return the name of the workflow that runs all jobs of a change."""
    return f"pfs-{change}"


def workflow_labels(pipeline: PipelineKey | None, change: str) -> dict[str, str]:
    """Return the labels by which the workflows of a pipeline and of a change are found."""
    labels = {MANAGED_BY[0]: MANAGED_BY[1], CHANGE_LABEL: change}
    if pipeline is not None:
        labels["pfs.project"] = label_value(pipeline.project)
        labels["pfs.pipeline"] = label_value(pipeline.name)
    return labels


def owner_scope(namespace: str) -> str:
    """Return what the owners of jobs run by one namespace's workflows begin with."""
    return f"argo/{namespace}/"


def owner_name(namespace: str, uid: str) -> str:
    """Return the name under which a workflow claims jobs, the same for all retries of its nodes."""
    return owner_scope(namespace) + uid

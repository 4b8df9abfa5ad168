"""Names and labels of what a job is on Kubernetes.

Invariants: a name depends on the job alone, so that whoever launches it again meets the same Job;
every name and label value is legal whatever a pipeline is called. A Job's name leaves room for what
Kubernetes puts behind it: ``-`` and the index make a pod's host name, which has 63 characters.
Must not know: the cluster.
"""

import hashlib
import re

from pfs_provider.jobs.keys import JobRef

__all__ = [
    "JOB_ANNOTATION",
    "JOB_LABEL",
    "MANAGED_BY",
    "MAX_LABEL",
    "PIPELINE_LABEL",
    "PROJECT_LABEL",
    "job_annotations",
    "job_labels",
    "job_name",
    "label_value",
]

MANAGED_BY = ("app.kubernetes.io/managed-by", "pfs-provider")
JOB_ANNOTATION = "pfs/job"
JOB_LABEL = "pfs.job"
PIPELINE_LABEL = "pfs.pipeline"
PROJECT_LABEL = "pfs.project"

MAX_LABEL = 63
"""Characters of a label's value, and of a DNS label."""
SLUG = 36
"""Characters of the pipeline's name that are kept: with the rest, a Job's name has at most 53."""
DIGEST = 12


def job_name(job: JobRef) -> str:
    """Return the name of a job's Job, at most 53 characters."""
    digest = hashlib.sha256(f"{job.pipeline.project}/{job.pipeline.name}@{job.id}".encode())
    slug = re.sub(r"[^a-z0-9]+", "-", job.pipeline.name.lower())[:SLUG].strip("-")
    return "-".join(part for part in ("pfs", slug, digest.hexdigest()[:DIGEST]) if part)


def label_value(text: str) -> str:
    """Return text as a legal label value: shortened, other characters as ``_``."""
    legal = re.sub(r"[^A-Za-z0-9._-]", "_", text)[:MAX_LABEL]
    return re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9]+$", "", legal)


def job_labels(job: JobRef) -> dict[str, str]:
    """Return the labels by which a job's Job and pods are found."""
    return {
        MANAGED_BY[0]: MANAGED_BY[1],
        PROJECT_LABEL: label_value(job.pipeline.project),
        PIPELINE_LABEL: label_value(job.pipeline.name),
        JOB_LABEL: job.id,
    }


def job_annotations(job: JobRef) -> dict[str, str]:
    """Return the job in full; a label's value may be shortened."""
    return {JOB_ANNOTATION: f"{job.pipeline.project}/{job.pipeline.name}@{job.id}"}

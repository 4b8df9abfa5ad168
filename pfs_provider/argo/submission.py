"""What ``pfs watch`` tells of a job that is ready: a workflow to Argo, or a message to a webhook.

Invariants: a workflow's name follows from the job, or from its change, so that telling twice, or by
two replicas, makes one; what is told are ids. Must not know: the catalog, who watches.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from pfs_provider.argo.names import (
    PIPELINES,
    change_workflow_name,
    job_workflow_name,
    workflow_labels,
)
from pfs_provider.errors import ConflictError, ErrorCode, RefusedError, UnavailableError
from pfs_provider.jobs.keys import JobRef
from pfs_provider.k8s.names import JOB_LABEL, job_annotations

__all__ = ["Submitter", "Target", "Template", "WebhookTarget", "WorkflowTarget", "render_workflow"]

TIMEOUT_S = 10.0


class Submitter(Protocol):
    """Makes objects in a cluster."""

    def submit(self, workflow: Mapping[str, Any]) -> None:
        """Make a workflow. Raises ConflictError if there is one of that name."""


class Target(Protocol):
    """Where it is told that a job is ready."""

    def tell(self, job: JobRef) -> None:
        """Tell it, once or more; telling again is harmless.

        Raises:
            UnavailableError: Nobody listens now; it will be told again.
            PfsError: It cannot be told, whenever that is tried.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What is submitted.

    Args:
        name: Of a template that takes ``pipeline`` and ``job``; ``pfs-pipelines`` takes ``change``.
        cluster: Whether it is a ClusterWorkflowTemplate.
        arguments: More for it.
    """

    name: str
    cluster: bool = False
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkflowTarget:
    """Submits a workflow for each job, or for each change."""

    submitter: Submitter
    template: Template

    def tell(self, job: JobRef) -> None:
        """Submit, unless that was done before. See Target.tell."""
        with suppress(ConflictError):
            self.submitter.submit(render_workflow(self.template, job))


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Posts a small JSON object for each job."""

    url: str
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise RefusedError(
                ErrorCode.SETTINGS_ILLEGAL,
                f"webhook {self.url!r}: it has to begin with http:// or https://",
                setting="webhook",
            )

    def tell(self, job: JobRef) -> None:
        """Post. See Target.tell."""
        headers = {"Content-Type": "application/json", "User-Agent": "pfs-provider"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        body = json.dumps(payload(job)).encode()
        request = Request(self.url, data=body, headers=headers, method="POST")  # noqa: S310 checked above
        try:
            with urlopen(request, timeout=TIMEOUT_S):  # noqa: S310 as above
                pass
        except HTTPError as error:
            error.close()
            raise _unheard(self.url, f"{error.code} {error.reason}") from None
        except (URLError, OSError) as error:
            raise _unheard(self.url, f"{error}") from error


def payload(job: JobRef) -> dict[str, str]:
    """Return what a webhook gets; ``workflow`` is a name that a doubled message has, too."""
    return {
        "workflow": job_workflow_name(job.pipeline, job.id),
        "pipeline": f"{job.pipeline.project}/{job.pipeline.name}",
        "job": job.id,
    }


def render_workflow(template: Template, job: JobRef) -> dict[str, Any]:
    """Return the workflow of a job, or of its change, with nothing but arguments in it."""
    told = payload(job)
    annotations: dict[str, str] = {}
    if template.name == PIPELINES:
        name = change_workflow_name(job.id)
        labels = workflow_labels(None, job.id)
        given: dict[str, str] = {"change": job.id}
    else:
        name = told["workflow"]
        labels = workflow_labels(job.pipeline, job.id) | {JOB_LABEL: job.id}
        annotations = job_annotations(job)
        given = {"pipeline": told["pipeline"], "job": job.id}
    reference: dict[str, Any] = {"name": template.name}
    if template.cluster:
        reference["clusterScope"] = True
    parameters = [
        {"name": key, "value": value} for key, value in (given | dict(template.arguments)).items()
    ]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name, "labels": labels, "annotations": annotations},
        "spec": {
            "workflowTemplateRef": reference,
            "arguments": {"parameters": parameters},
        },
    }


def _unheard(url: str, why: str) -> UnavailableError:
    return UnavailableError(
        ErrorCode.WEBHOOK_UNAVAILABLE,
        f"the webhook {url} did not take a message: {why}; it is told again",
        url=url,
    )

"""What the pods of a workflow may do in a cluster, and what starts workflows by itself.

Invariants: least privilege: each rule says who needs it; user code has no token at all.
Must not know: hera, clusters.
"""

from typing import Any

from pfs_provider.argo.names import PIPELINE, PIPELINES
from pfs_provider.k8s.names import MANAGED_BY

__all__ = ["ACCOUNT", "SUBMITTER", "build_access", "build_catch_up", "build_events"]

ACCOUNT = "pfs-workflow"
"""Of all pods of a workflow."""
SUBMITTER = "pfs-submitter"
"""Of ``pfs watch`` and of a sensor."""
LABELS = {MANAGED_BY[0]: MANAGED_BY[1], "app.kubernetes.io/part-of": "pfs"}
EVENT_SOURCE = "pfs"
EVENT_NAME = "job"
EVENT_PORT = 12000


def build_access(*, with_jobs: bool = True) -> list[dict[str, Any]]:
    """Return service accounts, roles and bindings.

    Args:
        with_jobs: Let workflows make Indexed Jobs, for more workers than ``max-pods``.
    """
    rules = [
        # Argo's own container in each pod reports outputs and ends.
        _rule("argoproj.io", ["workflowtaskresults"], ["create", "patch"]),
    ]
    # The step ``keep`` sees why workers do not start, and ends those that never will.
    rules += [
        _rule("", ["pods"], ["list", "delete"]),
        _rule("", ["pods/status"], ["patch"]),
        _rule("", ["events"], ["list"]),
    ]
    if with_jobs:
        # Applied, watched, and removed when the workflow fails; listed for that.
        verbs = ["create", "get", "list", "patch", "delete"]
        rules.append(_rule("batch", ["jobs"], verbs))
    # A doubled event meets the workflow that is there, so nothing has to be read.
    submit = [_rule("argoproj.io", ["workflows"], ["create"])]
    return [
        *_account(ACCOUNT, rules),
        *_account(SUBMITTER, submit),
    ]


def build_catch_up() -> dict[str, Any]:
    """Return a CronWorkflow that runs whatever an event should have started and did not."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "CronWorkflow",
        "metadata": {"name": "pfs-catch-up", "labels": LABELS},
        "spec": {
            "schedules": ["*/10 * * * *"],
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 300,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 3,
            "workflowMetadata": {"labels": LABELS},
            "workflowSpec": {"workflowTemplateRef": {"name": PIPELINES}},
        },
    }


def build_events() -> list[dict[str, Any]]:
    """Return the EventSource that ``pfs watch --webhook`` posts to, and the Sensor behind it."""
    source = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "EventSource",
        "metadata": {"name": EVENT_SOURCE, "labels": LABELS},
        "spec": {
            "service": {"ports": [{"port": EVENT_PORT, "targetPort": EVENT_PORT}]},
            "webhook": {
                EVENT_NAME: {
                    "port": f"{EVENT_PORT}",
                    "endpoint": "/job",
                    "method": "POST",
                    "url": "",  # for providers that are told; the schema wants it all the same
                }
            },
        },
    }
    sensor = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Sensor",
        "metadata": {"name": EVENT_SOURCE, "labels": LABELS},
        "spec": {
            "template": {"serviceAccountName": SUBMITTER},
            "dependencies": [
                {
                    "name": EVENT_NAME,
                    "eventSourceName": EVENT_SOURCE,
                    "eventName": EVENT_NAME,
                    "filters": {"data": _payload_filters()},
                }
            ],
            "triggers": [{"template": _trigger(), "retryStrategy": {"steps": 3}}],
        },
    }
    return [source, sensor]


def _payload_filters() -> list[dict[str, Any]]:
    """Return what a payload has to be; anything else starts nothing."""
    wanted = {
        "workflow": "^pfs-[a-z0-9-]{1,59}$",
        "pipeline": "^([A-Za-z0-9_-]+/)?[A-Za-z0-9_-]+$",
        "job": "^[0-9a-f]{32}$",
    }
    return [
        {"path": f"body.{name}", "type": "string", "comparator": "=", "value": [pattern]}
        for name, pattern in wanted.items()
    ]


def _trigger() -> dict[str, Any]:
    workflow = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "pfs-by-event"},  # replaced: one name per job submits once
        "spec": {
            "workflowTemplateRef": {"name": PIPELINE},
            "arguments": {
                "parameters": [{"name": "pipeline", "value": ""}, {"name": "job", "value": ""}]
            },
        },
    }
    places = {
        "workflow": "metadata.name",
        "pipeline": "spec.arguments.parameters.0.value",
        "job": "spec.arguments.parameters.1.value",
    }
    parameters = [
        {"src": {"dependencyName": EVENT_NAME, "dataKey": f"body.{name}"}, "dest": place}
        for name, place in places.items()
    ]
    return {
        "name": "run",
        "k8s": {
            "operation": "create",
            "source": {"resource": workflow},
            "parameters": parameters,
        },
    }


def _account(name: str, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    about = {"name": name, "labels": LABELS}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": about,
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": about,
            "rules": rules,
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": about,
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", "name": name}],
        },
    ]


def _rule(group: str, resources: list[str], verbs: list[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}

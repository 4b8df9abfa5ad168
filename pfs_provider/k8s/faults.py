"""What an answer of the cluster means: from its status to an error in our words.

Invariants: every error names what was tried, in which namespace, and the way out; texts of the API
are passed on, its traces are not. Must not know: the client, what a job is.
"""

import json
from dataclasses import dataclass
from http import HTTPStatus

from pfs_provider.errors import (
    ConflictError,
    ErrorCode,
    NotFoundError,
    PfsError,
    RefusedError,
    UnavailableError,
)

__all__ = ["REPEATABLE", "Request", "forbidden", "read_fault", "unreachable"]

REPEATABLE = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""Answers after which the same request may succeed a little later."""
MAX_TEXT = 600
"""Characters of the API's own words that are passed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked: ``verb`` and ``resource`` in the words of RBAC."""

    verb: str
    resource: str
    group: str
    namespace: str
    name: str = ""

    def __str__(self) -> str:
        what = f"{self.resource} {self.name!r}" if self.name else self.resource
        return f"{self.verb} {what} in the namespace {self.namespace!r}"


def read_fault(request: Request, status: int, body: str) -> PfsError:
    """Return what an answer that is no success means."""
    text, reason = _message(body)
    if status == HTTPStatus.UNAUTHORIZED:
        return UnavailableError(
            ErrorCode.CLUSTER_FORBIDDEN,
            f"the cluster does not know who asks (401), to {request}: the kubeconfig's credentials "
            "are wrong or have run out; log in again, or name another context",
        )
    if status == HTTPStatus.FORBIDDEN:
        return _read_forbidden(request, text)
    if status == HTTPStatus.NOT_FOUND:
        if f'namespaces "{request.namespace}" not found' in text:
            return no_namespace(request.namespace)
        return NotFoundError(
            ErrorCode.CLUSTER_OBJECT_NOT_FOUND, f"cannot {request}: {text}", name=request.name
        )
    if status == HTTPStatus.CONFLICT:
        return ConflictError(
            ErrorCode.CLUSTER_OBJECT_EXISTS, f"cannot {request}: {text}", reason=reason
        )
    if status in {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.BAD_REQUEST}:
        return RefusedError(
            ErrorCode.CLUSTER_REFUSED,
            f"the cluster refuses to {request}: {text}; change that field of the spec, of its "
            "pod_patch or of the settings",
        )
    return UnavailableError(
        ErrorCode.CLUSTER_UNAVAILABLE, f"the cluster cannot {request} now ({status}): {text}"
    )


def no_namespace(namespace: str) -> NotFoundError:
    """Return the error of a namespace that is not there."""
    return NotFoundError(
        ErrorCode.NAMESPACE_NOT_FOUND,
        f"the cluster has no namespace {namespace!r}: create it, or name another (k8s_namespace)",
        namespace=namespace,
    )


def forbidden(namespace: str, missing: tuple[tuple[str, str], ...]) -> UnavailableError:
    """Return the error of rights that are missing, as pairs of verb and resource."""
    named = ", ".join(f"{verb} {resource}" for verb, resource in missing)
    return UnavailableError(
        ErrorCode.CLUSTER_FORBIDDEN,
        f"the cluster does not allow this account to {named} in the namespace {namespace!r}: bind "
        "it to a Role with these verbs, such as deploy/kustomize's pfs-launcher",
        namespace=namespace,
        missing=[f"{verb} {resource}" for verb, resource in missing],
    )


def unreachable(server: str, why: str) -> UnavailableError:
    """Return the error of a cluster that does not answer."""
    return UnavailableError(
        ErrorCode.CLUSTER_UNAVAILABLE,
        f"the cluster at {server} does not answer: {why}; check that it runs, and which one the "
        "kubeconfig names (k8s_kubeconfig, k8s_context)",
        server=server,
    )


def _read_forbidden(request: Request, text: str) -> PfsError:
    if "cannot" in text and "resource" in text:
        return forbidden(request.namespace, ((request.verb, request.resource),))
    # Not a right that is missing, but an admission plugin, a quota, or a namespace that goes away.
    return UnavailableError(
        ErrorCode.CLUSTER_FORBIDDEN,
        f"the cluster forbids to {request}: {text}",
        namespace=request.namespace,
    )


def _message(body: str) -> tuple[str, str]:
    """Return the words of a Status object, and its reason; or the body's beginning."""
    try:
        status = json.loads(body)
        return f"{status['message']}"[:MAX_TEXT], f"{status.get('reason', '')}"
    except (ValueError, KeyError, TypeError):
        return body.strip()[:MAX_TEXT] or "no reason given", ""

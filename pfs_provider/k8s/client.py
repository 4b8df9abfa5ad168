"""A cluster's API over the kubernetes package: JSON in, JSON out, errors in our words.

Invariants: nothing of the package is seen outside of this module; a request that met a busy or
vanishing server is repeated a few times, and whoever calls reads back what may have happened
(a create that answers "exists" may be its own). Must not know: what a job is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from kubernetes.config.incluster_config import load_incluster_config
from kubernetes.config.kube_config import load_kube_config
from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from pfs_provider.clock import Clock
from pfs_provider.errors import ErrorCode, NotFoundError, PfsError, RefusedError
from pfs_provider.k8s.cluster import Cluster
from pfs_provider.k8s.faults import REPEATABLE, Request, read_fault, unreachable

__all__ = ["EVENTS", "JOBS", "PODS", "SECRETS", "KubeClient", "Resource", "open_client"]

TIMEOUT_S = (5.0, 30.0)
"""Seconds to connect, and between bytes."""
ATTEMPTS = 3
PAUSE_S = 0.5
"""Seconds before the first repeat; twice as many before each further one."""
MAX_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object, by the parts of its path."""

    group: str
    version: str
    plural: str

    @property
    def root(self) -> str:
        """Path of its API."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


JOBS = Resource("batch", "v1", "jobs")
PODS = Resource("", "v1", "pods")
EVENTS = Resource("", "v1", "events")
SECRETS = Resource("", "v1", "secrets")


class KubeClient:
    """Objects of one namespace. All verbs raise what ``faults.py`` makes of an answer.

    Args:
        api: The package's client.
        namespace: Where the objects are.
        clock: Waits between repeats.
    """

    def __init__(self, api: ApiClient, namespace: str, clock: Clock) -> None:
        self.namespace = namespace
        self._api = api
        self._clock = clock

    @property
    def server(self) -> str:
        """Address of the API server."""
        return str(self._api.configuration.host)

    def create(
        self, resource: Resource, body: Mapping[str, Any], *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Make an object and return it. Raises ConflictError if there is one of that name."""
        name = str(body.get("metadata", {}).get("name", ""))
        query = {"dryRun": "All"} if dry_run else {}
        return self._call("POST", "create", resource, name="", about=name, body=body, query=query)

    def get(self, resource: Resource, name: str) -> dict[str, Any]:
        """Return an object. Raises NotFoundError."""
        return self._call("GET", "get", resource, name=name)

    def find(self, resource: Resource, name: str) -> dict[str, Any] | None:
        """Return an object, None if there is none."""
        try:
            return self.get(resource, name)
        except NotFoundError as error:
            if error.code != ErrorCode.CLUSTER_OBJECT_NOT_FOUND:
                raise
            return None

    def list_objects(
        self, resource: Resource, *, labels: str = "", fields: str = ""
    ) -> list[dict[str, Any]]:
        """Return the objects that selectors name, in the server's order."""
        # resourceVersion=0 lets the server answer from its cache: cheap, at most a moment old.
        query = {"labelSelector": labels, "fieldSelector": fields, "resourceVersion": "0"}
        answer = self._call("GET", "list", resource, query=query)
        items: list[dict[str, Any]] = answer.get("items") or []
        return items

    def patch(
        self, resource: Resource, name: str, patch: Mapping[str, Any], *, part: str = ""
    ) -> dict[str, Any]:
        """Merge into an object, or a part such as ``status`` that has rights of its own.

        Returns the object. Raises NotFoundError.
        """
        return self._call("PATCH", "patch", resource, name=name, body=patch, part=part)

    def delete(self, resource: Resource, name: str, *, uid: str = "") -> None:
        """Delete an object after all that it owns; harmless if it, or the one meant, is gone."""
        body: dict[str, Any] = {"propagationPolicy": "Foreground"}
        if uid:
            body["preconditions"] = {"uid": uid}
        try:
            self._call("DELETE", "delete", resource, name=name, body=body)
        except PfsError as error:
            gone = {ErrorCode.CLUSTER_OBJECT_NOT_FOUND, ErrorCode.CLUSTER_OBJECT_EXISTS}
            if error.code not in gone:  # "exists" is the conflict of another uid
                raise

    def list_rules(self) -> dict[str, Any]:
        """Return what this account may do here, as a SelfSubjectRulesReview's status."""
        review = Resource("authorization.k8s.io", "v1", "selfsubjectrulesreviews")
        request = Request(
            verb="create", resource=review.plural, group=review.group, namespace=self.namespace
        )
        answer = self._send(
            "POST",
            f"{review.root}/{review.plural}",
            request,
            body={"spec": {"namespace": self.namespace}},
        )
        status: dict[str, Any] = answer.get("status") or {}
        return status

    def close(self) -> None:
        """Let go of connections."""
        self._api.close()

    def _call(  # noqa: PLR0913 the parts of one request
        self,
        method: str,
        verb: str,
        resource: Resource,
        *,
        name: str = "",
        about: str = "",
        part: str = "",
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        request = Request(
            verb=verb,
            resource=f"{resource.plural}/{part}" if part else resource.plural,
            group=resource.group,
            namespace=self.namespace,
            name=name or about,
        )
        path = f"{resource.root}/namespaces/{quote(self.namespace, safe='')}/{resource.plural}"
        if name:
            path += f"/{quote(name, safe='')}"
        if part:
            path += f"/{part}"
        return self._send(method, path, request, body=body, query=query)

    def _send(
        self,
        method: str,
        path: str,
        request: Request,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        given = [(name, value) for name, value in (query or {}).items() if value]
        pause_s = PAUSE_S
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(method, path, body, given)
            except ApiException as error:
                status = error.status or 0
                if status in REPEATABLE and attempt < ATTEMPTS:
                    pause_s = _retry_after(error) or pause_s
                elif status:
                    raise read_fault(request, status, _text(error.body)) from None
                else:  # a certificate that is not trusted comes as status 0
                    raise unreachable(self.server, f"{error.reason}".strip()) from None
            except (HTTPError, OSError) as error:
                if attempt == ATTEMPTS:
                    raise unreachable(self.server, _cause(error)) from error
            self._clock.sleep(min(pause_s, MAX_PAUSE_S))
            pause_s *= 2
        raise AssertionError  # the last attempt returns or raises

    def _once(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: list[tuple[str, str]],
    ) -> dict[str, Any]:
        patching = method == "PATCH"
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/merge-patch+json" if patching else "application/json",
            "User-Agent": "pfs-provider",
        }
        for setting in self._api.configuration.auth_settings().values():
            headers[setting["key"]] = setting["value"]  # asked each time: tokens run out
        # The connection pool itself, because ApiClient's own methods differ from 36 to 37.
        answer = self._api.rest_client.pool_manager.request(
            method,
            f"{self.server}{path}{'?' if query else ''}{urlencode(query)}",
            headers=headers,
            body=None if body is None else json.dumps(body),
            timeout=Timeout(connect=TIMEOUT_S[0], read=TIMEOUT_S[1]),
            retries=False,
        )
        if not 200 <= answer.status < 300:  # noqa: PLR2004 what HTTP calls success
            refused = ApiException(status=answer.status, reason=answer.reason)
            refused.body, refused.headers = answer.data, answer.headers
            raise refused
        found: dict[str, Any] = json.loads(answer.data)
        return found


def open_client(cluster: Cluster, clock: Clock) -> KubeClient:
    """Return a client for the cluster that the settings name; nothing has been asked yet.

    Without a kubeconfig it is the one that kubectl takes, else the service account of the pod that
    this runs in.

    Raises:
        RefusedError: ``settings-illegal``: no cluster is named, the kubeconfig cannot be read, or
            it has no such context.
    """
    configuration = Configuration()
    configuration.retries = False  # ours knows which answers may be repeated
    try:
        load_kube_config(
            config_file=cluster.kubeconfig,
            context=cluster.context,
            client_configuration=configuration,
            persist_config=False,
        )
    except ConfigException as error:
        if cluster.kubeconfig is not None or cluster.context is not None:
            raise _bad_config(cluster, f"{error}") from None
        try:
            load_incluster_config(client_configuration=configuration)
        except ConfigException:
            raise _bad_config(cluster, "there is no kubeconfig, and this is no pod") from None
    except Exception as error:  # the package lets whatever YAML and OpenSSL raise pass
        raise _bad_config(cluster, f"{error}".strip().splitlines()[0]) from error
    return KubeClient(ApiClient(configuration), cluster.namespace, clock)


def _bad_config(cluster: Cluster, why: str) -> RefusedError:
    return RefusedError(
        ErrorCode.SETTINGS_ILLEGAL,
        f"no cluster can be found: {why} (kubeconfig {cluster.kubeconfig or 'not set'}, context "
        f"{cluster.context or 'not set'}): name one by KUBECONFIG or k8s_kubeconfig, k8s_context",
        setting="k8s_kubeconfig",
    )


def _retry_after(error: ApiException) -> float | None:
    said = (error.headers or {}).get("Retry-After", "")
    return float(said) if said.isdigit() else None


def _text(body: str | bytes | None) -> str:
    return body.decode(errors="replace") if isinstance(body, bytes) else body or ""


def _cause(error: BaseException) -> str:
    """Return the innermost reason: urllib3 wraps what the system said several times."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return f"{error}" or type(error).__name__

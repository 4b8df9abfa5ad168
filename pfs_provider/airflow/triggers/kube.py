"""A cluster's API inside an event loop: JSON in, JSON out, errors in our words.

Invariants: nothing of the package is seen outside of this module; lists are read page by page, and
of each object only what ``slim`` leaves is kept. Must not know: what a job is.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from pfs_provider.errors import ErrorCode, NotFoundError, RefusedError, UnavailableError
from pfs_provider.k8s.faults import Request, read_fault, unreachable

__all__ = ["AsyncKube", "open_kube"]

TIMEOUT_S = 30
PAGE = 100
"""Objects in one answer: a hundred pods are about one megabyte."""


class AsyncKube:
    """Objects of one namespace. Made by ``open_kube``; verbs raise what ``faults.py`` makes."""

    def __init__(self, api: Any, refused: tuple[type[Exception], ...], namespace: str) -> None:
        self._api = api
        self._refused = refused
        self.namespace = namespace

    async def find(self, path: str, name: str) -> dict[str, Any] | None:
        """Return an object, None if there is none.

        Args:
            path: Of its API and kind, such as ``/apis/batch/v1`` + ``/jobs``.
            name: Which.
        """
        try:
            return await self._call("GET", path, name)
        except NotFoundError as error:
            if error.code != ErrorCode.CLUSTER_OBJECT_NOT_FOUND:
                raise
            return None

    async def list_objects(
        self, path: str, *, labels: str = "", fields: str = ""
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the objects that selectors name, in the server's order."""
        query = {"labelSelector": labels, "fieldSelector": fields, "limit": str(PAGE)}
        more = ""
        while True:
            answer = await self._call("GET", path, "", query=query | {"continue": more})
            for item in answer.get("items") or ():
                yield item
            more = answer.get("metadata", {}).get("continue") or ""
            if not more:
                return

    async def patch(self, path: str, name: str, patch: Mapping[str, Any]) -> None:
        """Merge into an object."""
        await self._call("PATCH", path, name, body=patch)

    async def delete(self, path: str, name: str) -> None:
        """Delete an object with all that it owns; harmless if it is gone."""
        try:
            await self._call("DELETE", path, name, body={"propagationPolicy": "Foreground"})
        except NotFoundError as error:
            if error.code != ErrorCode.CLUSTER_OBJECT_NOT_FOUND:
                raise

    async def _call(
        self,
        method: str,
        path: str,
        name: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        root, _, plural = path.rpartition("/")
        verb = {"GET": "get" if name else "list"}.get(method, method.lower())
        group = root.split("/")[2] if root.startswith("/apis/") else ""
        request = Request(
            verb=verb, resource=plural, group=group, namespace=self.namespace, name=name
        )
        url = f"{root}/namespaces/{quote(self.namespace, safe='')}/{plural}"
        url += f"/{quote(name, safe='')}" if name else ""
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/merge-patch+json"
            if method == "PATCH"
            else "application/json",
            "User-Agent": "pfs-provider",
        }
        given = [(key, value) for key, value in (query or {}).items() if value]
        server = str(self._api.configuration.host)
        try:
            await self._api.update_params_for_auth(headers, given, ["BearerToken"])
            answer = await self._api.request(
                method,
                server + url,
                query_params=given,
                headers=headers,
                body=body,
                _request_timeout=TIMEOUT_S,
            )
        except self._refused as error:
            status = int(getattr(error, "status", 0) or 0)
            if status:
                raise read_fault(request, status, _text(getattr(error, "body", ""))) from None
            raise unreachable(server, f"{error}") from error
        except (OSError, TimeoutError) as error:
            raise unreachable(server, f"{error}" or type(error).__name__) from error
        found: dict[str, Any] = json.loads(answer.data)
        return found


@asynccontextmanager
async def open_kube(
    *, namespace: str, kubeconfig: str | None, context: str | None
) -> AsyncIterator[AsyncKube]:
    """Give a client for a cluster; nothing has been asked yet.

    Args:
        namespace: Where the objects are.
        kubeconfig: A file; None means the one that kubectl takes, else this pod's service account.
        context: Which entry of it.

    Raises:
        RefusedError: ``settings-illegal``: no cluster is named.
        UnavailableError: ``extra-missing``.
    """
    # lazy: an extra, and a second to import
    try:
        from kubernetes_asyncio.client import ApiClient, Configuration  # noqa: PLC0415
        from kubernetes_asyncio.client.exceptions import ApiException  # noqa: PLC0415
        from kubernetes_asyncio.config import (  # noqa: PLC0415
            ConfigException,
            load_incluster_config,
            load_kube_config,
        )
    except ImportError as error:
        raise UnavailableError(
            ErrorCode.EXTRA_MISSING,
            "Airflow's Kubernetes provider is not installed, which waiting without a worker slot "
            "needs: pip install 'airflow-provider-pfs[airflow-kubernetes]', or deferrable=False",
            extra="airflow-kubernetes",
        ) from error
    from aiohttp import ClientError  # noqa: PLC0415 # lazy: comes with the client

    configuration = Configuration()
    try:
        await load_kube_config(
            config_file=kubeconfig,
            context=context,
            client_configuration=configuration,
            persist_config=False,
        )
    except ConfigException as error:
        try:
            if kubeconfig is not None or context is not None:
                raise
            load_incluster_config(client_configuration=configuration)
        except ConfigException:
            raise RefusedError(
                ErrorCode.SETTINGS_ILLEGAL,
                f"no cluster can be found here, where Airflow's triggerer runs: {error}",
                setting="k8s_kubeconfig",
            ) from error
    api = ApiClient(configuration)
    try:
        yield AsyncKube(api, (ApiException, ClientError), namespace)
    finally:
        await api.close()


def _text(body: object) -> str:
    return body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")

"""Which cluster a task means: arguments, and an Airflow connection of type ``kubernetes``.

Invariants: a connection is read as Airflow's own Kubernetes provider reads it; a kubeconfig that
lies in it is a file for as long as it takes to load, readable by this user only.
Must not know: any client of Kubernetes.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from pfs_provider.errors import ErrorCode, RefusedError

if TYPE_CHECKING:
    from airflow.sdk import Connection

__all__ = ["afind_cluster", "cluster_values", "find_cluster"]

KUBECONFIG_TEXT = "kubeconfig_text"
"""Stands for a kubeconfig that lies in the connection itself."""


def find_cluster(conn_id: str | None) -> dict[str, Any]:
    """Return what a connection says, for ``cluster_values``; empty without one.

    Raises:
        AirflowNotFoundException: There is no such connection.
        RefusedError: ``settings-illegal``: it says two things at once.
    """
    return {} if conn_id is None else _read(conn_id, BaseHook.get_connection(conn_id))


async def afind_cluster(conn_id: str | None) -> dict[str, Any]:
    """Return the same inside an event loop, where the blocking way could deadlock."""
    return {} if conn_id is None else _read(conn_id, await BaseHook.aget_connection(conn_id))


@contextmanager
def cluster_values(found: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the ``cluster`` argument of ``Pfs.run``, good inside the block.

    Args:
        found: What the connection says, over what the settings say of a ``kubeconfig``.
        given: What the task says; wins. None does not count.
    """
    values = {**found, **{name: value for name, value in given.items() if value is not None}}
    text = values.pop(KUBECONFIG_TEXT, None)
    if text is None or given.get("kubeconfig") is not None:
        yield values
        return
    with tempfile.NamedTemporaryFile("w", prefix="pfs-kubeconfig-", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        yield values | {"kubeconfig": file.name}


def _read(conn_id: str, connection: "Connection") -> dict[str, Any]:
    extra = connection.extra_dejson
    said = {
        name: extra.get(name) or extra.get(f"extra__kubernetes__{name}")
        for name in (
            "kube_config_path",
            "kube_config",
            "in_cluster",
            "cluster_context",
            "namespace",
        )
    }
    ways = [name for name in ("kube_config_path", "kube_config", "in_cluster") if said[name]]
    if len(ways) > 1:
        raise RefusedError(
            ErrorCode.SETTINGS_ILLEGAL,
            f"connection {conn_id!r} says {' and '.join(ways)}: leave one of them",
            setting="kubernetes_conn_id",
        )
    text = said["kube_config"]
    values = {
        "kubeconfig": said["kube_config_path"],
        KUBECONFIG_TEXT: json.dumps(text) if isinstance(text, Mapping) else text,
        "context": said["cluster_context"],
        "namespace": said["namespace"],
    }
    return {name: value for name, value in values.items() if value}

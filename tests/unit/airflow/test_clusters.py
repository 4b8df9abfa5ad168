import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowNotFoundException

from pfs_provider.airflow.clusters import afind_cluster, cluster_values, find_cluster
from pfs_provider.errors import ErrorCode, RefusedError


def _define(monkeypatch: pytest.MonkeyPatch, **extra: Any) -> None:
    connection = {"conn_type": "kubernetes", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_K8S", json.dumps(connection))


def test_a_connection_says_file_context_and_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    _define(monkeypatch, kube_config_path="/k", cluster_context="dev", namespace="work")

    found = find_cluster("k8s")

    assert found == {"kubeconfig": "/k", "context": "dev", "namespace": "work"}
    assert asyncio.run(afind_cluster("k8s")) == found


def test_what_the_task_says_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    _define(monkeypatch, kube_config_path="/k", namespace="work")

    with cluster_values(find_cluster("k8s"), {"namespace": "mine", "context": None}) as values:
        assert values == {"kubeconfig": "/k", "namespace": "mine"}


def test_a_kubeconfig_in_the_connection_is_a_private_file_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _define(monkeypatch, kube_config={"kind": "Config"})

    with cluster_values(find_cluster("k8s"), {}) as values:
        path = Path(values["kubeconfig"])
        assert json.loads(path.read_text()) == {"kind": "Config"}
        assert path.stat().st_mode & 0o077 == 0

    assert not path.exists()


def test_without_a_connection_only_the_task_counts() -> None:
    with cluster_values(find_cluster(None), {"namespace": "mine"}) as values:
        assert values == {"namespace": "mine"}
    assert asyncio.run(afind_cluster(None)) == {}


def test_a_missing_connection_and_two_ways_at_once_are_errors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _define(monkeypatch, kube_config_path="/k", in_cluster=True)
    with pytest.raises(RefusedError, match="kube_config_path and in_cluster") as caught:
        find_cluster("k8s")
    assert caught.value.code == ErrorCode.SETTINGS_ILLEGAL

    monkeypatch.setattr("airflow.sdk.BaseHook.get_connection", _missing)
    with pytest.raises(AirflowNotFoundException):
        find_cluster("other")


def _missing(conn_id: str) -> None:
    raise AirflowNotFoundException(conn_id)


def test_a_kubeconfig_in_the_connection_is_stronger_than_the_settings_and_weaker_than_the_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _define(monkeypatch, kube_config={"kind": "Config"})
    found = {"kubeconfig": "/of/the/settings"} | find_cluster("k8s")

    with cluster_values(found, {"kubeconfig": None}) as values:
        assert json.loads(Path(values["kubeconfig"]).read_text()) == {"kind": "Config"}
    with cluster_values(found, {"kubeconfig": "/of/the/task"}) as values:
        assert values == {"kubeconfig": "/of/the/task"}
